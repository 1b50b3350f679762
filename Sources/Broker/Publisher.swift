package import AMQP

/// Publishes to one queue: mandatory, and confirmed (<https://www.rabbitmq.com/docs/confirms#publisher-confirms>). It sends what can be
/// sent, and says what the broker answers; who calls it keeps the account.
package final class Publisher {
  /// Why a message is in no queue.
  package enum Refusal: Error, Hashable, Sendable {
    /// The queue is not there any more.
    case unroutable
    /// The queue is full, or in trouble.
    case rejected
  }

  /// What the broker says. Messages are numbered from 1.
  enum Answer: Hashable {
    /// The message of that number or, with `multiple`, all up to it are in the queue, or are not.
    case confirmed(UInt64, multiple: Bool)
    case rejected(UInt64, multiple: Bool)
    /// No queue is there for a message; its confirmation follows.
    case returned
    /// Nothing more will be said of any of them.
    case closed(CloseReason)
  }

  private struct Sending {
    let body: any BodySource
    var offset: UInt64 = 0
  }

  private static let channel: UInt16 = 1

  private let session: BrokerSession
  private let queue: String
  private let onFlow: (String?) -> Void
  private var sending: Sending?
  private var begunCount: UInt64 = 0
  /// The broker takes nothing for now.
  private(set) var isBlocked = false

  /// Makes sure of the queue. `session` is without a channel. `onFlow` is told why the broker stops to take messages, as it
  /// does when memory or disk run low, and nil when it goes on.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`
  package init(_ session: BrokerSession, queue: String, onFlow: @escaping (String?) -> Void) throws {
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

  // MARK: Sending

  /// Another message can be begun.
  var isReady: Bool { sending == nil && session.hasRoom }

  /// Of a message a part has been sent. It is in no queue.
  var isSending: Bool { sending != nil }

  private var sentCount: UInt64 { isSending ? begunCount - 1 : begunCount }

  /// Begins to send the next message.
  /// - Throws: `AMQPError.doesNotFitFrame`; then nothing has been sent. What reading the body does; then the connection is of no more use.
  func begin(_ body: some BodySource, _ properties: BasicProperties) throws {
    try session.send(
      .basicPublish(exchange: "", routingKey: ByteString(queue), mandatory: true), properties: properties,
      bodySize: body.size, on: Self.channel)
    begunCount += 1
    if body.size > 0 { sending = Sending(body: body) }
    try advance()
  }

  /// Sends on, as far as there is room.
  /// - Throws: what reading the body does; then the connection is of no more use.
  func advance() throws {
    guard var piece = sending else { return }
    piece.offset = try session.sendBody(piece.body, from: piece.offset, on: Self.channel)
    sending = piece.offset < piece.body.size ? piece : nil
  }

  // MARK: Answers

  /// What an event of the session means for the messages.
  func answer(_ event: Connection.Event) -> Answer? {
    switch event {
    case .returned(Self.channel, _): return .returned
    // What was not sent whole cannot be in a queue, whatever a peer says.
    case .method(Self.channel, .basicAck(let tag, let multiple)):
      return tag <= sentCount ? .confirmed(tag, multiple: multiple) : nil
    case .method(Self.channel, .basicNack(let tag, let multiple, _)):
      // The rest of its body is not wanted.
      return tag <= begunCount ? .rejected(tag, multiple: multiple) : nil
    case .method(Self.channel, .channelClose(let reason)):
      sending = nil
      return .closed(reason)
    case .method(_, .connectionBlocked(let reason)):
      isBlocked = true
      onFlow(reason)
    case .method(_, .connectionUnblocked):
      isBlocked = false
      onFlow(nil)
    default: break
    }
    return nil
  }

  // MARK: One message

  /// Returns when the message is in the queue. `other` is a session whose heartbeats go on meanwhile. It is not for a publisher that
  /// has others under way.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`, `Refusal`, `AMQPError.doesNotFitFrame`, what reading the body does
  package func publish(_ body: some BodySource, _ properties: BasicProperties, keepingAlive other: BrokerSession) throws
  {
    try begin(body, properties)
    var isReturned = false
    var limit = ContinuousClock.now + BrokerSession.callLimit
    while true {
      // A broker that takes nothing for now is waited for.
      if isBlocked || sending != nil { limit = .now + BrokerSession.callLimit }
      guard ContinuousClock.now < limit else { throw BrokerSession.CallError.unanswered }
      try session.turn(until: limit, keepingAlive: other)
      for event in session.takeEvents() {
        switch answer(event) {
        case .returned: isReturned = true
        case .confirmed where isReturned: throw Refusal.unroutable
        case .confirmed: return
        case .rejected: throw Refusal.rejected
        case .closed(let reason): throw BrokerSession.CallError.refused(reason)
        case nil: break
        }
      }
      try advance()
    }
  }
}
