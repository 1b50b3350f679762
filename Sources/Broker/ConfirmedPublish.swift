public import AMQP
public import Linux

/// One message on its way into a queue, on a connection of its own, without blocking: it says what
/// to wait for, as a link does.
///
/// Of its own, since a broker short of memory stops to read a connection that publishes, acks and all.
public final class ConfirmedPublish {
  public enum Outcome: Hashable, Sendable {
    case confirmed
    /// It may be in the queue all the same, where the broker's answer was lost.
    case failed(reason: String)
  }

  private static let channel: UInt16 = 1

  private let link: BrokerLink
  private let queue: String
  private let message: Message
  private var isReturned = false

  /// Begins to connect.
  public init(
    _ message: Message, to queue: String, broker: BrokerURL, _ parameters: Connection.Parameters,
    now: ContinuousClock.Instant
  ) {
    self.message = message
    self.queue = queue
    link = BrokerLink(broker: broker, parameters, now: now)
  }

  public var interest: PollInterest? { link.interest }
  public var deadline: ContinuousClock.Instant? { link.deadline }

  /// Does what can be done now; the outcome, once there is one.
  public func process(_ readiness: PollReadiness, now: ContinuousClock.Instant) -> Outcome? {
    defer { link.flush() }
    for event in link.process(readiness, now: now) {
      if let outcome = outcome(of: event) {
        try? link.close()
        return outcome
      }
    }
    return nil
  }

  private func outcome(of event: BrokerLink.Event) -> Outcome? {
    switch event {
    case .connection(.opened): return publish()
    case .connection(.returned): isReturned = true
    case .connection(.method(_, .basicAck)):
      return isReturned ? .failed(reason: "there is no such queue") : .confirmed
    case .connection(.method(_, .basicNack)): return .failed(reason: "the broker rejected it")
    case .connection(.method(_, .channelClose(let reason))): return .failed(reason: reason.text)
    case .failed(let failure): return .failed(reason: failure.description)
    default: break
    }
    return nil
  }

  private func publish() -> Outcome? {
    do {
      try link.send(.channelOpen, on: Self.channel)
      try link.send(.confirmSelect, on: Self.channel)
      try link.send(
        .basicPublish(exchange: "", routingKey: ByteString(queue), mandatory: true),
        properties: message.properties, body: message.body, on: Self.channel)
      return nil
    } catch {
      return .failed(reason: "it does not fit a frame")
    }
  }
}
