package import AMQP
package import Broker

/// Finds out whether the target of a queue's dead letters exists: the exchange, or the queue to which the default exchange routes
/// them.
package struct DeadLetterTargetSearch: Hashable, Sendable {
  package enum Finding: Hashable, Sendable {
    case found
    case absent
    case refused(CloseReason)
  }

  let target: DeadLetterTarget
  private let channel: UInt16

  /// Returns nil if there is nothing to ask. The default exchange always exists, and without a routing key of its own it routes each
  /// message to the queue that the message was published to.
  package init?(_ target: DeadLetterTarget, on channel: UInt16) {
    guard !target.exchange.isEmpty || target.routingKey != nil else { return nil }
    (self.target, self.channel) = (target, channel)
  }

  package var questions: [ChannelMethod] {
    let question: Method =
      target.exchange.isEmpty
      ? .queueDeclare(.init(name: ByteString(target.routingKey ?? ""), isPassive: true))
      : .exchangeDeclarePassive(exchange: ByteString(target.exchange))
    return [.channelOpen, question].map { ChannelMethod($0, on: channel) }
  }

  package mutating func take(_ answer: Method, on channel: UInt16) -> Finding? {
    guard channel == self.channel else { return nil }
    switch answer {
    // The answer for an exchange that exists is a method that the codec does not decode.
    case .queueDeclareOK, .other: return .found
    case .channelClose(let reason):
      switch reason.code {
      case .notFound where reason.refusal == .noQueue || reason.refusal == .noExchange: return .absent
      // The user may not ask, and is believed.
      case .accessRefused: return .found
      default: return .refused(reason)
      }
    default: return nil
    }
  }
}
