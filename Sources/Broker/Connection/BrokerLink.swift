package import AMQP
package import Linux
internal import TLS

/// An attempt to connect to a broker and, if it succeeds, the connection. It covers the name look-up, TCP, TLS, the
/// login and the frames.
///
/// A link never blocks. Its owner waits for `interest` and `deadline`, and then calls `process`.
package final class BrokerLink {
  package enum Event: Hashable, Sendable {
    /// An event of the AMQP connection. `closed` is the last event of a link that was closed cleanly.
    case connection(Connection.Event)
    /// The last event of a link that failed.
    case failed(BrokerFailure)
  }

  /// The maximum time from the name look-up to the end of the login.
  package static let loginLimit: Duration = .seconds(10)
  /// The maximum time for one of several addresses to accept a connection.
  package static let addressLimit: Duration = .seconds(4)
  /// The maximum number of bytes that one `process` reads. A fast broker must not fill the memory with unhandled
  /// messages.
  static let maxReadSize = 1 << 20

  enum State {
    case resolving(Resolver)
    case connecting(TCPSocket, others: ArraySlice<SocketAddress>, limit: ContinuousClock.Instant)
    case talking(TCPSocket)
    /// The broker has answered our close.
    case closed
    /// The link has failed. Each further `process` reports the failure again.
    case failed(BrokerFailure)
  }

  /// The login of the connection.
  struct Credentials {
    /// The source of the credentials; nil if they never change.
    let access: BrokerAccess?
    let password: String
  }

  /// The times by which silence is judged.
  struct Activity {
    /// The time of the latest `process`.
    var latestTurn: ContinuousClock.Instant
    /// The time of the latest `process` that received bytes.
    var lastHeard: ContinuousClock.Instant
  }

  package let broker: BrokerURL
  var state: State
  var connection: Connection
  /// The address of the connection, once it is established.
  package internal(set) var address: SocketAddress?
  /// Whether the login has succeeded.
  package private(set) var isOpen = false
  var isClosing = false
  /// Whether nothing is read, so that the broker sends no more than can be handled.
  package var isPaused = false
  let loginDeadline: ContinuousClock.Instant
  /// The TLS settings, if the broker is reached by TLS.
  let tls: TLSContext?
  let credentials: Credentials
  /// Renews the token of an open connection, if the login used one.
  var tokens: TokenKeeper?
  /// The TLS session, if the broker is reached by TLS.
  var session: TLSSession?
  /// The error that stopped encryption. An error of the socket itself shows when it is read.
  var sendFailure: TLSError?
  var activity: Activity
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  /// Begins to connect. A broker that cannot be reached is reported as an event. If `address` is given, no name is
  /// looked up. If the password is a token, `access` has the file with its replacements.
  package init(
    broker: BrokerURL, _ parameters: Connection.Parameters, access: BrokerAccess? = nil,
    address: SocketAddress? = nil, now: ContinuousClock.Instant
  ) {
    precondition(!broker.isSecure || access?.tls != nil, "TLS is wanted, and not set up")
    self.broker = broker
    tls = broker.isSecure ? access?.tls : nil
    credentials = Credentials(access: access, password: parameters.password)
    connection = Connection(parameters)
    loginDeadline = now + Self.loginLimit
    activity = Activity(latestTurn: now, lastHeard: now)
    do {
      state = .resolving(
        try address.map { try Resolver(known: [$0]) } ?? Resolver(host: broker.host, port: broker.port))
    } catch {
      state = .failed(BrokerFailure(.unreachable, broker: broker, detail: SystemError.reason(of: error)))
    }
  }

  /// Whether the peer has accepted the TCP connection, and the first bytes have been sent.
  package var isTalking: Bool {
    if case .talking = state { true } else { false }
  }

  /// The highest channel number that the broker allows. It is known after the login.
  package var channelMax: UInt16 { connection.channelMax }

  /// The server properties that the broker has announced.
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

  /// The latest time for the next `process`, whether or not the socket is ready.
  package var deadline: ContinuousClock.Instant? {
    switch state {
    case .resolving: loginDeadline
    case .connecting(_, _, let limit): min(limit, loginDeadline)
    case .talking: isOpen ? [connection.nextTick, tokens?.nextCheck].compactMap(\.self).min() : loginDeadline
    case .closed: nil
    // This time is in the past, so that the failure is reported at once.
    case .failed: loginDeadline - Self.loginLimit
    }
  }

  // MARK: Closing

  /// Begins to close the connection cleanly; `flush` sends the close. The last event is `Connection.Event.closed`, or a
  /// failure. A login under way is completed first. An attempt without an accepted TCP connection is dropped.
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

  /// Does what is possible without waiting, and returns what has happened.
  package func process(
    _ readiness: PollReadiness, now: ContinuousClock.Instant
  ) -> [Event] {
    activity.latestTurn = now
    switch state {
    case .resolving(let resolver): return resolve(resolver, readiness, now: now)
    case .connecting(let socket, let others, let limit):
      return connect(socket, others, limit: limit, readiness, now: now)
    case .talking(let socket): return talk(socket, readiness, now: now)
    case .closed: return []
    case .failed(let failure): return [.failed(failure)]
    }
  }

  private func talk(
    _ socket: TCPSocket, _ readiness: PollReadiness, now: ContinuousClock.Instant
  ) -> [Event] {
    var events: [Event] = []
    do throws(LinkError) {
      // Received bytes are handled before silence is judged.
      if readiness.readable { try receive(from: socket, now: now, into: &events) }
      guard case .talking = state else { return events }
      if !isOpen && now >= loginDeadline {
        events.append(fail(.unreachable, "it accepts connections, but does not answer"))
        return events
      }
      if isPaused {
        connection.resetHeartbeatTimeout(now: now)
        activity.lastHeard = now
      }
      do { try connection.tick(now: now) } catch { throw LinkError.conversation(error) }
      renewToken(now: now)
      flush()
      if let sendFailure { throw LinkError.tls(sendFailure) }
    } catch {
      // The events before the error are reported, too.
      events.append(fail(error))
    }
    return events
  }

  private func opened(now: ContinuousClock.Instant) {
    isOpen = true
    credentials.access?.loggedIn()
    guard !isClosing else { return }
    tokens = credentials.access.flatMap {
      TokenKeeper($0, password: credentials.password, server: ServerVersion(serverProperties), now: now)
    }
  }

  private func renewToken(now: ContinuousClock.Instant) {
    guard let nextCheck = tokens?.nextCheck, now >= nextCheck, let method = tokens?.check(now: now) else { return }
    do { try connection.send(method, on: 0) } catch { tokens?.notSent("it does not fit a frame") }
  }

  private func receive(
    from socket: TCPSocket, now: ContinuousClock.Instant, into events: inout [Event]
  ) throws(LinkError) {
    var readCount = 0
    // If bytes are left, the next poll reports the socket as readable again.
    while readCount < Self.maxReadSize {
      switch try read(from: socket) {
      case .bytes(let count):
        readCount += count
        activity.lastHeard = now
        let bytes = try decrypted(buffer[..<count])
        if session == nil, !isOpen, bytes.starts(with: [0x15, 0x03]) {  // a TLS alert
          events.append(fail(.unreachable, "it speaks TLS on this port; use amqps://"))
          return
        }
        for event in try decoded(bytes, now: now) {
          if event == .opened { opened(now: now) }
          if event == .method(channel: 0, .connectionUpdateSecretOK) { tokens?.accepted(now: now) }
          events.append(.connection(event))
          if event == .closed { return finish() }
        }
        // A short read means that the socket is empty. The next poll reports later bytes.
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

  private func read(from socket: TCPSocket) throws(LinkError) -> Descriptor.Transfer {
    do { return try socket.read(into: &buffer) } catch { throw .system(error) }
  }

  private func decrypted(_ bytes: ArraySlice<UInt8>) throws(LinkError) -> ArraySlice<UInt8> {
    guard let session else { return bytes }
    do { return try session.receive(bytes)[...] } catch { throw .tls(error) }
  }

  private func decoded(
    _ bytes: ArraySlice<UInt8>, now: ContinuousClock.Instant
  ) throws(LinkError) -> [Connection.Event] {
    do { return try connection.receive(bytes, now: now) } catch { throw .conversation(error) }
  }

  /// Ends the link after the broker has answered our close.
  private func finish() {
    endSession()
    flush()
    state = .closed
  }

  /// Queues the close notification of TLS behind all other bytes.
  func endSession() {
    guard let session else { return }
    flush()
    session.close()
  }
}
