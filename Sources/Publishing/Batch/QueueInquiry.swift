internal import AMQP
internal import Broker
internal import Linux

/// Asks whether a queue exists, on a connection of its own. RabbitMQ may stop reading for ever from a connection that
/// has published to a quorum queue which was then deleted.
final class QueueInquiry {
  enum Answer: Hashable {
    case exists
    case refused(CloseReason)
    /// The broker cannot be asked.
    case none
  }

  private static let channel: UInt16 = 1

  let link: BrokerLink

  init(_ question: Method, to broker: BrokerURL, _ configuration: BatchConfiguration) {
    link = BrokerLink(
      broker: broker, configuration.parameters(broker, [.channelOpen, question], on: Self.channel),
      access: configuration.access, now: .now)
  }

  var interest: PollInterest? { link.interest }
  var deadline: ContinuousClock.Instant? { link.deadline }

  /// Does what is possible without waiting. The result is nil until the answer is there.
  func process(_ readiness: PollReadiness) -> Answer? {
    for event in link.process(readiness, now: .now) {
      switch event {
      case .connection(.method(_, .queueDeclareOK)): return .exists
      case .connection(.method(_, .channelClose(let reason))): return .refused(reason)
      case .failed: return Answer.none
      case .connection: break
      }
    }
    return nil
  }
}
