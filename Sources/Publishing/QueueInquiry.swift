internal import AMQP
internal import Broker
internal import Linux

/// Asks whether a queue is there, on a connection of its own: RabbitMQ may never again read one whose messages are for a
/// quorum queue that was deleted.
final class QueueInquiry {
  enum Answer: Hashable {
    case isThere
    case refused(CloseReason)
    /// The broker cannot be asked.
    case none
  }

  private static let channel: UInt16 = 1

  let link: BrokerLink

  init(_ question: Method, to broker: BrokerURL, access: BrokerAccess, heartbeat: UInt16, name: String) {
    link = BrokerLink(
      broker: broker,
      .init(
        url: broker, heartbeat: heartbeat, name: name,
        initialMethods: [.channelOpen, question].map { ChannelMethod($0, on: Self.channel) }),
      access: access, now: .now)
  }

  var interest: PollInterest? { link.interest }
  var deadline: ContinuousClock.Instant? { link.deadline }

  /// The answer, once it has come.
  func process(_ readiness: PollReadiness) -> Answer? {
    for event in link.process(readiness, now: .now) {
      switch event {
      case .connection(.method(_, .queueDeclareOK)): return .isThere
      case .connection(.method(_, .channelClose(let reason))): return .refused(reason)
      case .failed: return Answer.none
      case .connection: break
      }
    }
    return nil
  }
}
