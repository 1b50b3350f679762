package import AMQP
package import Broker

/// Publishes messages to one queue, in order and on one channel of a session. Each message is mandatory and is
/// confirmed.
///
/// `publish` publishes a single message and waits for its confirmation. A caller that wants several messages under way
/// uses `begin`, `advance` and `answer`, and keeps the account of confirmations itself, as `Replay` does.
package final class SerialPublisher {
  /// An answer of the broker. The messages are numbered from 1.
  enum Answer: Hashable {
    /// The message with this number is in the queue. With `multiple`, this is true of all messages up to it.
    case confirmed(UInt64, multiple: Bool)
    /// The message with this number is in no queue. With `multiple`, this is true of all messages up to it.
    case rejected(UInt64, multiple: Bool)
    /// A message found no queue. Its confirmation follows.
    case returned
    /// The channel is closed, and no more answers follow.
    case closed(CloseReason)
  }

  private struct Sending {
    let body: ReceivedBody
    var offset: UInt64 = 0
  }

  private static let channel: UInt16 = 1

  private let session: BrokerSession
  private let queue: String
  private let onFlow: (String?) -> Void
  private var sending: Sending?
  private var begunCount: UInt64 = 0
  /// Whether the broker takes no messages for now.
  private(set) var isBlocked = false

  /// Opens the channel and checks that the queue exists. `session` must not have a channel yet.
  ///
  /// `onFlow` is called with the reason when the broker stops taking messages because it is short of memory or disk
  /// space, and with nil when it takes messages again.
  package init(
    _ session: BrokerSession, queue: String, onFlow: @escaping (String?) -> Void
  ) throws(SessionError) {
    (self.session, self.queue, self.onFlow) = (session, queue, onFlow)
    try session.openChannel(Self.channel)
    do {
      _ = try session.queueStatus(queue, on: Self.channel)
    } catch .refused(let reason) where reason.code == .accessRefused {
      // A user who may publish to a queue need not be permitted to ask about it.
      try session.openChannel(Self.channel)
    }
    _ = try session.call(.confirmSelect, on: Self.channel) { $0 == .confirmSelectOK ? true : nil }
  }

  // MARK: Sending

  /// Whether the next message can be begun.
  var isReady: Bool { sending == nil && session.hasRoom }

  /// Whether a message has been sent in part. That message is in no queue.
  var isSending: Bool { sending != nil }

  private var sentCount: UInt64 { isSending ? begunCount - 1 : begunCount }

  /// Begins to send the next message.
  ///
  /// Throws `SessionError.unsendable` before anything is sent. After `PublishError.body` the connection must not be
  /// used.
  func begin(_ body: ReceivedBody, _ properties: BasicProperties) throws(PublishError) {
    do {
      try session.send(
        .basicPublish(exchange: "", routingKey: ByteString(queue), mandatory: true), properties: properties,
        bodySize: body.size, on: Self.channel)
    } catch {
      throw .session(error)
    }
    begunCount += 1
    if body.size > 0 { sending = Sending(body: body) }
    try advance()
  }

  /// Sends as much of the current body as there is room for. Throws `PublishError.body`; the connection must not be
  /// used after that.
  func advance() throws(PublishError) {
    guard var piece = sending else { return }
    do { piece.offset = try session.sendBody(piece.body, from: piece.offset, on: Self.channel) } catch {
      throw .body(error)
    }
    sending = piece.offset < piece.body.size ? piece : nil
  }

  // MARK: Answers

  /// Takes an event of the session, and returns what it means for the messages.
  func answer(_ event: Connection.Event) -> Answer? {
    guard let (channel, confirmation) = Confirmation.decode(event) else { return nil }
    switch confirmation {
    case .blocked(let reason):
      isBlocked = true
      onFlow(reason)
      return nil
    case .unblocked:
      isBlocked = false
      onFlow(nil)
      return nil
    default: return channel == Self.channel ? answer(confirmation) : nil
    }
  }

  private func answer(_ confirmation: Confirmation) -> Answer? {
    switch confirmation {
    case .returned: return .returned
    // A message that was not sent completely cannot be in a queue, whatever the peer says.
    case .accepted(let tag, let multiple): return tag <= sentCount ? .confirmed(tag, multiple: multiple) : nil
    // A message can be rejected before its body is complete.
    case .rejected(let tag, let multiple): return tag <= begunCount ? .rejected(tag, multiple: multiple) : nil
    case .channelClosed(let reason):
      sending = nil
      return .closed(reason)
    case .blocked, .unblocked: return nil
    }
  }

  // MARK: One message

  /// Publishes one message, and returns when it is in the queue. The heartbeats of the session `other` continue
  /// meanwhile. No other message may be under way. Throws `PublishError.refused` if the message is in no queue.
  package func publish(
    _ body: ReceivedBody, _ properties: BasicProperties, keepingAlive other: BrokerSession
  ) throws(PublishError) {
    try begin(body, properties)
    var isReturned = false
    var limit = ContinuousClock.now + BrokerSession.callLimit
    while true {
      // Waiting for a blocked broker has no limit.
      if isBlocked || sending != nil { limit = .now + BrokerSession.callLimit }
      guard ContinuousClock.now < limit else { throw .session(.unanswered) }
      do { try session.turn(until: limit, keepingAlive: other) } catch { throw .session(error) }
      for event in session.takeEvents() {
        switch answer(event) {
        case .returned: isReturned = true
        case .confirmed where isReturned: throw .refused(.unroutable)
        case .confirmed: return
        case .rejected: throw .refused(.rejected)
        case .closed(let reason): throw .session(.refused(reason))
        case nil: break
        }
      }
      try advance()
    }
  }
}
