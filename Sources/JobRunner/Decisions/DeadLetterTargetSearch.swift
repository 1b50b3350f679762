internal import AMQP
internal import Broker

/// Looks whether what a queue's own arguments send its dead letters to is there: the exchange, or the queue that the exchange
/// without a name hands them to.
struct DeadLetterTargetSearch: Hashable, Sendable {
  enum Finding: Hashable, Sendable {
    case found
    case absent
    case refused(CloseReason)
  }

  let target: DeadLetterTarget
  private let channel: UInt16

  /// nil where there is nothing to ask for: the exchange without a name is always there, and hands each message to the queue
  /// that it was published to.
  init?(_ target: DeadLetterTarget, on channel: UInt16) {
    guard !target.exchange.isEmpty || target.routingKey != nil else { return nil }
    (self.target, self.channel) = (target, channel)
  }

  var questions: [ChannelMethod] {
    let question: Method =
      target.exchange.isEmpty
      ? .queueDeclare(.init(name: ByteString(target.routingKey ?? ""), isPassive: true))
      : .exchangeDeclarePassive(exchange: ByteString(target.exchange))
    return [.channelOpen, question].map { ChannelMethod($0, on: channel) }
  }

  /// What is missing, for people.
  var place: String {
    target.exchange.isEmpty ? "queue '\(target.routingKey ?? "")'" : "exchange '\(target.exchange)'"
  }

  mutating func take(_ answer: Method, on channel: UInt16) -> Finding? {
    guard channel == self.channel else { return nil }
    switch answer {
    // What the broker says of an exchange that is there has no other answer's name.
    case .queueDeclareOK, .other: return .found
    case .channelClose(let reason):
      switch reason.code {
      case .notFound where reason.refusal == .noQueue || reason.refusal == .noExchange: return .absent
      // The user may not know, and vouches for it.
      case .accessRefused: return .found
      default: return .refused(reason)
      }
    default: return nil
    }
  }
}
