public import AMQP

/// Publishes to one queue, one message after the other: mandatory, and each confirmed
/// (<https://www.rabbitmq.com/docs/confirms#publisher-confirms>) before the next.
public final class Publisher {
  /// Why a message is in no queue.
  public enum Refusal: Error, Hashable, Sendable {
    /// The queue is not there any more.
    case unroutable
    /// The queue is full, or in trouble.
    case rejected
  }

  private static let channel: UInt16 = 1

  private let session: BrokerSession
  private let queue: String
  private let onFlow: (String?) -> Void
  /// Of the latest message nothing is known: it may be in the queue.
  public private(set) var isOneUnknown = false

  /// Makes sure of the queue. `session` is without a channel. `onFlow` is told why the broker stops to take messages, as it
  /// does when memory or disk run low, and nil when it goes on.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`
  public init(_ session: BrokerSession, queue: String, onFlow: @escaping (String?) -> Void) throws {
    (self.session, self.queue, self.onFlow) = (session, queue, onFlow)
    try session.openChannel(Self.channel)
    do {
      _ = try session.queueStatus(queue, on: Self.channel)
    } catch BrokerSession.CallError.refused(let reason) where reason.code == .accessRefused {
      // Who may publish need not be allowed to know what is there.
      try session.openChannel(Self.channel)
    }
    _ = try session.call(.confirmSelect, on: Self.channel) { $0 == .confirmSelectOK ? true : nil }
  }

  /// Returns when the message is in the queue. `other` is a session whose heartbeats go on meanwhile.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`, `Refusal`, `AMQPError.doesNotFitFrame`, what reading the body does
  public func publish(
    _ body: some BodySource, _ properties: BasicProperties, keepingAlive other: BrokerSession
  ) throws {
    try session.send(
      .basicPublish(exchange: "", routingKey: ByteString(queue), mandatory: true), properties: properties,
      bodySize: body.size, on: Self.channel)
    var sentCount: UInt64 = 0
    var isReturned = false
    // A broker that takes nothing for now is waited for.
    var isBlocked = false
    while true {
      sentCount = try session.sendBody(body, from: sentCount, on: Self.channel)
      // What has not been sent whole is in no queue.
      isOneUnknown = sentCount == body.size
      switch try nextEvent(isSent: isOneUnknown, isBlocked: isBlocked, keepingAlive: other) {
      case .returned?: isReturned = true
      case .method(_, .basicAck)?: return try settled(isReturned ? .unroutable : nil)
      case .method(_, .basicNack)?: return try settled(.rejected)
      case .method(_, .channelClose(let reason))?:
        if reason.refusal != .trouble { isOneUnknown = false }
        throw BrokerSession.CallError.refused(reason)
      case .method(_, .connectionBlocked(let reason))?:
        isBlocked = true
        onFlow(reason)
      case .method(_, .connectionUnblocked)?:
        isBlocked = false
        onFlow(nil)
      default: break
      }
    }
  }

  /// nil where there is room for more of the body.
  private func nextEvent(
    isSent: Bool, isBlocked: Bool, keepingAlive other: BrokerSession
  ) throws -> Connection.Event? {
    guard isSent else { return try session.nextEventWithoutRoom(keepingAlive: other) }
    let limit = isBlocked ? nil : ContinuousClock.now + BrokerSession.callLimit
    return try session.nextEvent(until: limit, keepingAlive: other)
  }

  private func settled(_ refusal: Refusal?) throws {
    isOneUnknown = false
    if let refusal { throw refusal }
  }
}
