package import AMQP
package import Linux

/// A conversation in which one question follows the other, for commands that have nothing else to
/// attend to. It waits; a signal ends it as it ends any program. A session that is let go is closed first.
package final class BrokerSession {
  /// What a channel's call can end in besides an answer.
  package enum CallError: Error, Hashable, Sendable {
    /// The broker closed the channel over it.
    case refused(CloseReason)
    /// No answer in `callLimit`, or one that is none.
    case unanswered
  }

  /// A signal came that ends the conversation.
  package struct Stopped: Error, Hashable, Sendable {
    package let signal: Signal
  }

  package static let callLimit: Duration = .seconds(60)

  let link: BrokerLink
  private var received: ArraySlice<Connection.Event> = []
  /// Ends the conversation, wherever it is.
  private let signals: SignalReceiver?
  private var isStopped = false

  init(link: BrokerLink, signals: SignalReceiver? = nil) {
    self.link = link
    self.signals = signals
  }

  deinit { close() }

  package var broker: BrokerURL { link.broker }

  /// nil for what is not RabbitMQ.
  package var serverVersion: ServerVersion? { ServerVersion(link.serverProperties) }

  /// Opens a channel.
  /// - Throws: `BrokerFailure`, `CallError`
  package func openChannel(_ channel: UInt16) throws {
    _ = try call(.channelOpen, on: channel) { $0 == .channelOpenOK ? true : nil }
  }

  /// Closes a channel: when the answer is there, the broker has taken every ack on it.
  /// - Throws: `BrokerFailure`, `CallError`
  package func closeChannel(_ channel: UInt16) throws {
    let close = Method.channelClose(CloseReason(code: .success, text: "bye"))
    _ = try call(close, on: channel) { $0 == .channelCloseOK ? true : nil }
  }

  /// Sends `method` and returns what `answer` makes of the first method of the channel that it accepts.
  /// - Throws: `BrokerFailure`, `CallError`, `AMQPError.doesNotFitFrame`
  package func call<Answer>(
    _ method: Method, on channel: UInt16, answer: (Method) -> Answer?
  ) throws -> Answer {
    try send(method, on: channel)
    let outcome: Result<Answer, CallError> = try wait(until: .now + Self.callLimit) {
      takeFirst { event in
        switch event {
        // Taken like an answer: the channel may be opened again.
        case .method(channel, .channelClose(let reason)): .failure(.refused(reason))
        case .method(channel, let method): answer(method).map { .success($0) }
        default: nil
        }
      }
    }
    return try outcome.get()
  }

  /// Queues a method that has no answer, such as an ack; it goes out with the next wait.
  /// - Throws: `AMQPError.doesNotFitFrame`
  package func send(_ method: Method, on channel: UInt16) throws { try link.send(method, on: channel) }

  /// Queues the beginning of a message. Its body has to follow, by `sendBody`, before anything else on the channel.
  /// - Throws: `AMQPError.doesNotFitFrame`
  func send(_ method: Method, properties: BasicProperties, bodySize: UInt64, on channel: UInt16) throws {
    try link.send(method, properties: properties, bodySize: bodySize, on: channel)
  }

  /// Queues as much of a body, from `offset` on, as may wait to be sent.
  /// - Returns: where it goes on
  /// - Throws: what reading the body does
  func sendBody(_ body: some BodySource, from offset: UInt64, on channel: UInt16) throws -> UInt64 {
    var offset = offset
    while offset < body.size, hasRoom {
      let bytes = try body.read(at: offset, atMost: OutgoingMessages.pieceSize)
      precondition(!bytes.isEmpty, "a body ends before its end")
      link.sendBody(bytes, on: channel)
      offset += UInt64(bytes.count)
    }
    return offset
  }

  /// More may be queued.
  var hasRoom: Bool { link.unsentByteCount < ConfirmedPublisher.mostUnsent }

  /// The next event, for conversations that are not question and answer.
  /// - Throws: `BrokerFailure`, `CallError.unanswered` where none has come by `deadline`
  package func nextEvent(until deadline: ContinuousClock.Instant? = nil) throws -> Connection.Event {
    // What has been taken goes with the storage.
    defer { if received.isEmpty { received = [] } }
    return try wait(until: deadline) { received.popFirst() }
  }

  /// What has come since it was last asked for.
  func takeEvents() -> ArraySlice<Connection.Event> {
    defer { received = [] }
    return received
  }

  /// Waits until something has come, or until then; `other` is a session that goes on meanwhile, and whose events end the wait, too.
  /// - Throws: `BrokerFailure` of either
  func turn(until deadline: ContinuousClock.Instant?, with other: BrokerSession?) throws {
    guard received.isEmpty, other?.received.isEmpty != false else { return }
    if let other { try turn(until: deadline, keepingAlive: other) } else { try turn(until: deadline) }
  }

  /// Nothing is read meanwhile: the broker is to send no more than can be handled.
  var isPaused: Bool {
    get { link.isPaused }
    set { link.isPaused = newValue }
  }

  /// Why the connection has ended; nil while it has not.
  private(set) var failure: BrokerFailure?

  /// One turn of the loop, while a conversation with another connection goes on.
  /// - Throws: `BrokerFailure` of either
  func turn(until deadline: ContinuousClock.Instant?, keepingAlive other: BrokerSession) throws {
    try turn(until: [deadline, other.link.deadline].compactMap(\.self).min(), other: other.link.interest)
    try other.turn(until: .now)
  }

  /// Keeps the conversation alive until then.
  /// - Throws: `BrokerFailure`
  package func wait(until deadline: ContinuousClock.Instant) throws {
    while ContinuousClock.now < deadline { try turn(until: deadline) }
  }

  /// How long the broker may take to answer the close.
  private static let closeLimit: Duration = .seconds(5)
  /// The same where somebody waits for our end, or where the broker has had its time for the login.
  private static let hurriedCloseLimit: Duration = .milliseconds(400)

  /// Ends the connection cleanly. What has been answered is settled, so a failure now is none.
  package func close() {
    guard link.isTalking else { return }
    link.close()
    let limit = link.isOpen && !isStopped ? Self.closeLimit : Self.hurriedCloseLimit
    _ = try? wait(until: .now + limit) { takeFirst { $0 == .closed ? true : nil } }
  }

  func takeFirst<Result>(_ accept: (Connection.Event) -> Result?) -> Result? {
    for index in received.indices {
      if let result = accept(received[index]) {
        received.remove(at: index)
        return result
      }
    }
    return nil
  }

  @discardableResult
  func wait<Result>(
    until deadline: ContinuousClock.Instant?, for condition: () throws -> Result?
  ) throws -> Result {
    while true {
      if let result = try condition() { return result }
      if let deadline, ContinuousClock.now >= deadline { throw timedOut() }
      try turn(until: deadline)
    }
  }

  private func timedOut() -> any Error {
    link.isOpen ? CallError.unanswered : link.unanswered
  }

  /// One turn of the loop, until `deadline` at the latest, or until `other` is ready.
  func turn(until deadline: ContinuousClock.Instant?, other: PollInterest? = nil) throws {
    link.flush()
    let wakeUp = [deadline, link.deadline].compactMap(\.self).min()
    let linkInterest = link.interest
    let readiness = try poll([linkInterest, other, signals?.interest].compactMap(\.self), until: wakeUp)
    if signals != nil, readiness.last?.readable == true {
      isStopped = true
      try Self.stop(by: signals)
    }
    let linkReadiness = linkInterest.flatMap { _ in readiness.first } ?? PollReadiness()
    for event in link.process(linkReadiness, now: .now) {
      switch event {
      case .connection(let event): received.append(event)
      case .failed(let failure):
        self.failure = failure
        throw failure
      }
    }
  }
}
