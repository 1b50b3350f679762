package import AMQP
package import Linux

/// A connection for commands that ask one question after the other. Its methods wait for the answers. Unless it was
/// given a signal receiver, a signal ends the program as usual. The connection is closed when the session is
/// deallocated.
package final class BrokerSession {
  /// The maximum time for the answer to a call.
  package static let callLimit: Duration = .seconds(60)

  let link: BrokerLink
  private var received: ArraySlice<Connection.Event> = []
  /// If a signal arrives here, the session throws `SessionError.stopped` wherever it waits.
  private let signals: SignalReceiver?
  private var isStopped = false

  init(link: BrokerLink, signals: SignalReceiver? = nil) {
    self.link = link
    self.signals = signals
  }

  deinit { close() }

  package var broker: BrokerURL { link.broker }

  /// The version of the server; nil if it is not RabbitMQ.
  package var serverVersion: ServerVersion? { ServerVersion(link.serverProperties) }

  package func openChannel(_ channel: UInt16) throws(SessionError) {
    _ = try call(.channelOpen, on: channel) { $0 == .channelOpenOK ? true : nil }
  }

  /// Closes a channel. After that the broker has processed all acknowledgements on it.
  package func closeChannel(_ channel: UInt16) throws(SessionError) {
    let close = Method.channelClose(CloseReason(code: .success, text: "bye"))
    _ = try call(close, on: channel) { $0 == .channelCloseOK ? true : nil }
  }

  /// Sends a method and waits for the answer, which is the first method on the channel for which `answer` returns a
  /// value.
  package func call<Answer>(
    _ method: Method, on channel: UInt16, answer: (Method) -> Answer?
  ) throws(SessionError) -> Answer {
    try send(method, on: channel)
    let outcome: Result<Answer, SessionError> = try wait(until: .now + Self.callLimit) {
      takeFirst { event in
        switch event {
        // The close is removed like an answer, so that the channel can be opened again.
        case .method(channel, .channelClose(let reason)): .failure(.refused(reason))
        case .method(channel, let method): answer(method).map { .success($0) }
        default: nil
        }
      }
    }
    return try outcome.get()
  }

  /// Queues a method that has no answer, such as `basic.ack`. The next wait sends it. Throws
  /// `SessionError.unsendable`.
  package func send(_ method: Method, on channel: UInt16) throws(SessionError) {
    do { try link.send(method, on: channel) } catch { throw .unsendable(error) }
  }

  /// Queues the method and the header of a message. The caller must send the body with `sendBody` before anything else
  /// on the channel. Throws `SessionError.unsendable`; then nothing is queued.
  package func send(
    _ method: Method, properties: BasicProperties, bodySize: UInt64, on channel: UInt16
  ) throws(SessionError) {
    do {
      try link.send(method, properties: properties, bodySize: bodySize, on: channel)
    } catch {
      throw .unsendable(error)
    }
  }

  /// Queues a body from `offset` on, as far as there is room. Throws the error of a body that cannot be read.
  /// - Returns: The offset from which the rest has to be sent.
  package func sendBody(
    _ body: ReceivedBody, from offset: UInt64, on channel: UInt16
  ) throws(SystemError) -> UInt64 {
    var offset = offset
    while offset < body.size, hasRoom {
      let bytes = try body.read(at: offset, atMost: BrokerLink.bodyPieceSize)
      precondition(!bytes.isEmpty, "a body ends before its end")
      link.sendBody(bytes, on: channel)
      offset += UInt64(bytes.count)
    }
    return offset
  }

  /// Whether a publisher may queue more.
  package var hasRoom: Bool { link.hasRoom }

  /// Waits for the next event. Throws `SessionError.unanswered` at the deadline.
  package func nextEvent(until deadline: ContinuousClock.Instant? = nil) throws(SessionError) -> Connection.Event {
    // Assigning an empty slice frees the storage of the removed events.
    defer { if received.isEmpty { received = [] } }
    return try wait(until: deadline) { received.popFirst() }
  }

  /// Removes and returns the events that have arrived.
  package func takeEvents() -> ArraySlice<Connection.Event> {
    defer { received = [] }
    return received
  }

  /// Waits for an event of this session or of the other one, until the deadline. Throws the error of either session.
  package func turn(until deadline: ContinuousClock.Instant?, with other: BrokerSession?) throws(SessionError) {
    guard received.isEmpty, other?.received.isEmpty != false else { return }
    if let other { try turn(until: deadline, keepingAlive: other) } else { try turn(until: deadline) }
  }

  /// Whether nothing is read, so that the broker sends no more than can be handled.
  package var isPaused: Bool {
    get { link.isPaused }
    set { link.isPaused = newValue }
  }

  /// The reason why the connection has ended; nil while it exists.
  package private(set) var failure: BrokerFailure?

  /// Waits for an event of this session, until the deadline, and keeps the connection of the other session alive.
  /// Throws the error of either session.
  package func turn(until deadline: ContinuousClock.Instant?, keepingAlive other: BrokerSession) throws(SessionError) {
    try turn(until: [deadline, other.link.deadline].compactMap(\.self).min(), other: other.link.interest)
    try other.turn(until: .now)
  }

  /// Waits until the deadline and keeps the connection alive.
  package func wait(until deadline: ContinuousClock.Instant) throws(SessionError) {
    while ContinuousClock.now < deadline { try turn(until: deadline) }
  }

  /// The maximum time for the broker's answer to the close.
  private static let closeLimit: Duration = .seconds(5)
  /// The same limit after a signal, and if the broker has not completed the login.
  private static let hurriedCloseLimit: Duration = .milliseconds(400)

  /// Closes the connection cleanly. A failure is ignored, because everything that was answered is settled.
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
    until deadline: ContinuousClock.Instant?, for condition: () -> Result?
  ) throws(SessionError) -> Result {
    while true {
      if let result = condition() { return result }
      if let deadline, ContinuousClock.now >= deadline { throw timedOut() }
      try turn(until: deadline)
    }
  }

  private func timedOut() -> SessionError { link.isOpen ? .unanswered : .connection(link.unanswered) }

  /// Waits until this connection or `other` is ready, until the deadline, and takes the events of this connection.
  func turn(until deadline: ContinuousClock.Instant?, other: PollInterest? = nil) throws(SessionError) {
    link.flush()
    let wakeUp = [deadline, link.deadline].compactMap(\.self).min()
    let linkInterest = link.interest
    let readiness = try Self.poll([linkInterest, other, signals?.interest], until: wakeUp)
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
        throw .connection(failure)
      }
    }
  }
}
