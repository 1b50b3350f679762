package import AMQP
package import Linux
internal import TLS

/// One attempt at a connection to a broker, and the connection itself when it succeeds: name
/// look-up, TCP, login, frames. It never blocks: it says what to wait for (`interest`, `deadline`),
/// and does what it can when that has come (`process`).
package final class BrokerLink {
  package enum Event: Hashable, Sendable {
    /// `closed` is the last event of a link that was closed cleanly.
    case connection(Connection.Event)
    /// The last event of any other link.
    case failed(BrokerFailure)
  }

  /// How long a broker may take from the look-up of its name to the end of the login.
  package static let loginLimit: Duration = .seconds(10)
  /// How long one address of several may take to accept a connection.
  package static let addressLimit: Duration = .seconds(4)
  /// How much one `process` reads. A fast broker must not fill our memory with what nobody has handled yet.
  static let mostReadAtOnce = 1 << 20

  enum State {
    case resolving(Resolver)
    case connecting(TCPSocket, others: ArraySlice<SocketAddress>, limit: ContinuousClock.Instant)
    case talking(TCPSocket)
    /// The broker has answered our close.
    case closed
    /// It is over, and why; whoever asks again is told again.
    case failed(BrokerFailure)
  }

  package let broker: BrokerURL
  var state: State
  var connection: Connection
  /// Where the broker was connected to, once it was.
  package internal(set) var address: SocketAddress?
  /// Logged in.
  package private(set) var isOpen = false
  var isClosing = false
  /// Nothing is read meanwhile: the broker is to send no more than can be handled.
  package var isPaused = false
  let loginDeadline: ContinuousClock.Instant
  let tls: TLSContext?
  /// Where the login is from; nil where it never changes.
  let access: BrokerAccess?
  let password: String
  /// Of a connection that is open, and was made with a token.
  var tokens: TokenKeeper?
  /// Between socket and connection, where the broker is to be reached by TLS.
  var session: TLSSession?
  /// Why nothing more can be encrypted. That the socket does not write shows where it is read.
  var sendFailure: (any Error)?
  /// When `process` was called last, and when it found that the broker had sent something.
  var latestTurn: ContinuousClock.Instant
  var lastHeard: ContinuousClock.Instant
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  /// Begins to connect; nothing is thrown for a broker that cannot be reached, that is an event. `address` is the
  /// broker's where it is known, and need not be looked up. Where the password is a token, `access` has the file of new ones.
  package init(
    broker: BrokerURL, _ parameters: Connection.Parameters, access: BrokerAccess? = nil,
    address: SocketAddress? = nil, now: ContinuousClock.Instant
  ) {
    precondition(!broker.isSecure || access?.tls != nil, "TLS is wanted, and not set up")
    self.broker = broker
    tls = broker.isSecure ? access?.tls : nil
    self.access = access
    password = parameters.password
    connection = Connection(parameters)
    loginDeadline = now + Self.loginLimit
    (latestTurn, lastHeard) = (now, now)
    do {
      state = .resolving(
        try address.map { try Resolver(known: [$0]) } ?? Resolver(host: broker.host, port: broker.port))
    } catch {
      state = .failed(BrokerFailure(.unreachable, broker: broker, detail: SystemError.reason(of: error)))
    }
  }

  /// The peer accepted the connection, and has got the first bytes of ours.
  package var isTalking: Bool {
    if case .talking = state { true } else { false }
  }

  /// The highest number of a channel, once logged in.
  package var channelMax: UInt16 { connection.channelMax }

  /// What the broker says of itself.
  package var serverProperties: FieldTable { connection.serverProperties }

  // MARK: Waiting

  package var interest: PollInterest? {
    switch state {
    case .resolving(let resolver): resolver.interest
    case .connecting(let socket, _, _): socket.interest(readable: false, writable: true)
    case .talking(let socket):
      isPaused && !hasSomethingToSend
        ? nil : socket.interest(readable: !isPaused, writable: hasSomethingToSend)
    case .closed, .failed: nil
    }
  }

  /// When `process` wants to be called at the latest, ready or not.
  package var deadline: ContinuousClock.Instant? {
    switch state {
    case .resolving: loginDeadline
    case .connecting(_, _, let limit): min(limit, loginDeadline)
    case .talking: isOpen ? [connection.nextTick, tokens?.nextLook].compactMap(\.self).min() : loginDeadline
    case .closed: nil
    // At once: there is nothing to wait for, and a failure to be told.
    case .failed: loginDeadline - Self.loginLimit
    }
  }

  // MARK: Closing

  /// Begins the connection's clean end, which is over with `Connection.Event.closed`, or with a failure. `flush` sends
  /// it. In the middle of the login that is finished first. An attempt that has reached nobody is dropped.
  package func close() {
    guard case .talking = state else {
      state = .closed
      return
    }
    (tokens, isClosing) = (nil, true)
    // A reason of three letters fits every frame.
    try? connection.close()
  }

  // MARK: Receiving

  /// Does what can be done now, and says what came of it.
  package func process(
    _ readiness: PollReadiness, now: ContinuousClock.Instant
  ) -> [Event] {
    latestTurn = now
    do {
      switch state {
      case .resolving(let resolver): return try resolve(resolver, readiness, now: now)
      case .connecting(let socket, let others, let limit):
        return try connect(socket, others, limit: limit, readiness, now: now)
      case .talking(let socket): return talk(socket, readiness, now: now)
      case .closed: return []
      case .failed(let failure): return [.failed(failure)]
      }
    } catch {
      return [fail(error)]
    }
  }

  private func talk(
    _ socket: TCPSocket, _ readiness: PollReadiness, now: ContinuousClock.Instant
  ) -> [Event] {
    var events: [Event] = []
    do {
      // What has been received counts before any judgement on silence.
      if readiness.readable { try receive(from: socket, now: now, into: &events) }
      guard case .talking = state else { return events }
      if !isOpen && now >= loginDeadline {
        events.append(fail(.unreachable, "it accepts connections, but does not answer"))
        return events
      }
      if isPaused {
        connection.resetHeartbeatTimeout(now: now)
        lastHeard = now
      }
      try connection.tick(now: now)
      renewToken(now: now)
      flush()
      if let sendFailure { throw sendFailure }
    } catch {
      // What came before it has come all the same.
      events.append(fail(error))
    }
    return events
  }

  private func opened(now: ContinuousClock.Instant) {
    isOpen = true
    access?.loggedIn()
    guard !isClosing else { return }
    tokens = access.flatMap {
      TokenKeeper($0, password: password, server: ServerVersion(serverProperties), now: now)
    }
  }

  private func renewToken(now: ContinuousClock.Instant) {
    guard let nextLook = tokens?.nextLook, now >= nextLook, let method = tokens?.look(now: now) else { return }
    do { try connection.send(method, on: 0) } catch { tokens?.notSent("it does not fit a frame") }
  }

  private func receive(
    from socket: TCPSocket, now: ContinuousClock.Instant, into events: inout [Event]
  ) throws {
    var readCount = 0
    // What is left makes the socket readable again in the next poll.
    while readCount < Self.mostReadAtOnce {
      switch try socket.read(into: &buffer) {
      case .bytes(let count):
        readCount += count
        lastHeard = now
        let bytes = try session.map { try $0.receive(buffer[..<count])[...] } ?? buffer[..<count]
        if session == nil, !isOpen, bytes.starts(with: [0x15, 0x03]) {  // a TLS alert
          events.append(fail(.unreachable, "it speaks TLS on this port; use amqps://"))
          return
        }
        for event in try connection.receive(bytes, now: now) {
          if event == .opened { opened(now: now) }
          if event == .method(channel: 0, .connectionUpdateSecretOK) { tokens?.taken(now: now) }
          events.append(.connection(event))
          if event == .closed { return finish() }
        }
        // A short read emptied the socket; poll tells of what comes later.
        if count < buffer.count { return }
      case .wouldBlock:
        return
      case .ended:
        events.append(
          fail(isOpen ? .lost : .unreachable, "it closed the connection without a word"))
        return
      }
    }
  }

  /// The broker has answered our close, and has nothing more to say.
  private func finish() {
    endSession()
    flush()
    state = .closed
  }

  /// Queues TLS's own farewell, behind all that is queued.
  func endSession() {
    guard let session else { return }
    flush()
    session.close()
  }
}
