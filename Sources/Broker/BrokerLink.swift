public import AMQP
public import Linux
internal import TLS

/// One attempt at a connection to a broker, and the connection itself when it succeeds: name
/// look-up, TCP, login, frames. It never blocks: it says what to wait for (`interest`, `deadline`),
/// and does what it can when that has come (`process`).
public final class BrokerLink {
  public enum Event: Hashable, Sendable {
    /// `closed` is the last event of a link that was closed cleanly.
    case connection(Connection.Event)
    /// The last event of any other link.
    case failed(BrokerFailure)
  }

  /// How long a broker may take from the look-up of its name to the end of the login.
  public static let loginLimit: Duration = .seconds(10)
  /// How long one address of several may take to accept a connection.
  public static let addressLimit: Duration = .seconds(4)
  /// How much one `process` reads. A fast broker must not fill our memory with what nobody has handled yet.
  static let mostReadAtOnce = 1 << 20

  private enum State {
    case resolving(Resolver)
    case connecting(TCPSocket, others: ArraySlice<SocketAddress>, limit: ContinuousClock.Instant)
    case talking(TCPSocket)
    /// The broker has answered our close.
    case closed
    /// It is over, and why; whoever asks again is told again.
    case failed(BrokerFailure)
  }

  public let broker: BrokerURL
  private var state: State
  private var connection: Connection
  /// Where the broker was connected to, once it was.
  public private(set) var address: SocketAddress?
  /// Logged in.
  public private(set) var isOpen = false
  private var isClosing = false
  /// Nothing is read meanwhile: the broker is to send no more than can be handled.
  public var isPaused = false
  private let loginDeadline: ContinuousClock.Instant
  private let tls: TLSContext?
  /// Where the login is from; nil where it never changes.
  private let access: BrokerAccess?
  private let password: String
  /// Of a connection that is open, and was made with a token.
  private var tokens: TokenKeeper?
  /// Between socket and connection, where the broker is to be reached by TLS.
  private var session: TLSSession?
  /// Why nothing more can be encrypted. That the socket does not write shows where it is read.
  private var sendFailure: (any Error)?
  /// When `process` was called last, and when it found that the broker had sent something.
  private var latestTurn: ContinuousClock.Instant
  private var lastHeard: ContinuousClock.Instant
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  /// Begins to connect; nothing is thrown for a broker that cannot be reached, that is an event. `address` is the
  /// broker's where it is known, and need not be looked up. Where the password is a token, `access` has the file of new ones.
  public init(
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
  public var isTalking: Bool {
    if case .talking = state { true } else { false }
  }

  /// The highest number of a channel, once logged in.
  public var channelMax: UInt16 { connection.channelMax }

  /// What the broker says of itself.
  public var serverProperties: FieldTable { connection.serverProperties }

  // MARK: Waiting

  public var interest: PollInterest? {
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
  public var deadline: ContinuousClock.Instant? {
    switch state {
    case .resolving: loginDeadline
    case .connecting(_, _, let limit): min(limit, loginDeadline)
    case .talking: isOpen ? [connection.nextTick, tokens?.nextLook].compactMap(\.self).min() : loginDeadline
    case .closed: nil
    // At once: there is nothing to wait for, and a failure to be told.
    case .failed: loginDeadline - Self.loginLimit
    }
  }

  // MARK: Sending

  /// Queues a method; `flush` sends what is queued, in as few writes as it takes.
  /// - Throws: `AMQPError.doesNotFitFrame`
  public func send(_ method: Method, on channel: UInt16) throws {
    try connection.send(method, on: channel)
  }

  /// Queues `basic.publish` with its message.
  /// - Throws: `AMQPError.doesNotFitFrame`; then nothing is queued.
  public func send(
    _ method: Method, properties: BasicProperties, body: [UInt8], on channel: UInt16
  ) throws {
    try connection.send(method, properties: properties, body: body, on: channel)
  }

  /// Queues the beginning of a message. Its body has to follow, by `sendBody`, before anything else on the channel.
  /// - Throws: `AMQPError.doesNotFitFrame`; then nothing is queued.
  public func send(
    _ method: Method, properties: BasicProperties, bodySize: UInt64, on channel: UInt16
  ) throws {
    try connection.send(method, properties: properties, bodySize: bodySize, on: channel)
  }

  /// Whether a frame of this connection takes such properties.
  public func fits(_ properties: BasicProperties) -> Bool { connection.fits(properties) }

  /// What many messages of this connection have in common.
  /// - Throws: `AMQPError.doesNotFitFrame`
  public func template(_ method: Method, _ properties: BasicProperties) throws -> MessageTemplate {
    try connection.template(method, properties)
  }

  /// Queues the beginning of a message. Its body has to follow, by `sendBody`, before anything else on the channel.
  /// - Throws: `AMQPError.doesNotFitFrame`; then nothing is queued.
  public func send(_ template: MessageTemplate, messageID: ByteString, bodySize: UInt64, on channel: UInt16) throws {
    try connection.send(template, messageID: messageID, bodySize: bodySize, on: channel)
  }

  /// Queues the next bytes of the body of the message that was begun on the channel.
  public func sendBody(_ part: [UInt8], on channel: UInt16) {
    connection.sendBody(part[...], on: channel)
  }

  /// Begins the connection's clean end, which is over with `Connection.Event.closed`, or with a failure. `flush` sends
  /// it. In the middle of the login that is finished first. An attempt that has reached nobody is dropped.
  public func close() {
    guard case .talking = state else {
      state = .closed
      return
    }
    (tokens, isClosing) = (nil, true)
    // A reason of three letters fits every frame.
    try? connection.close()
  }

  /// Bytes that are queued and not yet sent.
  public var unsentByteCount: Int { connection.output.count + (session?.ciphertext.count ?? 0) }

  /// Sends what can be sent now of what is queued. A failure shows at the next `process`.
  public func flush() {
    guard case .talking(let socket) = state else { return }
    if let session { return flush(session, socket) }
    var sentCount = 0
    while sentCount < connection.output.count,
      case .bytes(let count)? = try? socket.write(connection.output[sentCount...])
    { sentCount += count }
    // Once: it moves all that is left.
    connection.output.removeFirst(sentCount)
  }

  /// How much is encrypted ahead of what the socket takes.
  private static let mostEncryptedAtOnce = 65_536

  private var hasSomethingToSend: Bool {
    guard let session else { return !connection.output.isEmpty }
    return !session.ciphertext.isEmpty || (session.isEstablished && !connection.output.isEmpty && sendFailure == nil)
  }

  private func flush(_ session: TLSSession, _ socket: TCPSocket) {
    var encryptedCount = 0
    defer { connection.output.removeFirst(encryptedCount) }
    while true {
      while !session.ciphertext.isEmpty {
        guard case .bytes(let count)? = try? socket.write(session.ciphertext[...]) else { return }
        session.ciphertext.removeFirst(count)
      }
      let rest = connection.output[encryptedCount...].prefix(Self.mostEncryptedAtOnce)
      guard session.isEstablished, !rest.isEmpty, sendFailure == nil else { return }
      do { try session.send(rest) } catch { return sendFailure = error }
      encryptedCount += rest.count
    }
  }

  // MARK: Receiving

  /// Does what can be done now, and says what came of it.
  public func process(
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

  private func fail(_ error: any Error) -> Event {
    switch error {
    case let error as SystemError:
      return fail(isOpen ? .lost : .unreachable, error.reason)
    case let error as AMQPError:
      // The answer to the broker's close goes out before the socket is closed.
      endSession()
      flush()
      return fail(BrokerFailure(error, broker: broker, wasOpen: isOpen))
    case let error as TLSError:
      // The alert that tells the peer why.
      flush()
      if case .untrusted = error { return fail(.untrusted, error.description) }
      return fail(isOpen ? .lost : .unreachable, error.description)
    default:
      return fail(isOpen ? .lost : .unreachable, "\(error)")
    }
  }

  private func resolve(
    _ resolver: Resolver, _ readiness: PollReadiness, now: ContinuousClock.Instant
  ) throws -> [Event] {
    guard readiness.readable else {
      return now < loginDeadline ? [] : [fail(.unreachable, "the look-up of its name takes too long")]
    }
    switch try resolver.answer() {
    case .addresses(let addresses): return try connect(to: addresses[...], now: now)
    case .failed(let reason): return [fail(.unreachable, reason)]
    }
  }

  private func connect(
    to addresses: ArraySlice<SocketAddress>, now: ContinuousClock.Instant
  ) throws -> [Event] {
    guard let address = addresses.first else { return [fail(.unreachable, "its name has no address")] }
    let others = addresses.dropFirst()
    do {
      let socket = try TCPSocket(connectingTo: address)
      self.address = address
      state = .connecting(
        socket, others: others, limit: others.isEmpty ? loginDeadline : now + Self.addressLimit)
      return []
    } catch let error as SystemError {
      return others.isEmpty ? [fail(.unreachable, error.reason)] : try connect(to: others, now: now)
    }
  }

  private func connect(
    _ socket: TCPSocket, _ others: ArraySlice<SocketAddress>, limit: ContinuousClock.Instant,
    _ readiness: PollReadiness, now: ContinuousClock.Instant
  ) throws -> [Event] {
    let obstacle: String
    if readiness.writable {
      guard let error = socket.connectionError() else {
        session = try tls.map { try TLSSession($0, host: broker.host) }
        state = .talking(socket)
        flush()
        return []
      }
      obstacle = error.reason
    } else {
      guard now >= min(limit, loginDeadline) else { return [] }
      obstacle = "it does not answer"
    }
    return others.isEmpty || now >= loginDeadline
      ? [fail(.unreachable, obstacle)] : try connect(to: others, now: now)
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
        connection.excuseSilence(until: now)
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
  private func endSession() {
    guard let session else { return }
    flush()
    session.close()
  }

  private func fail(_ kind: BrokerFailure.Kind, _ detail: String) -> Event {
    let silence = Silence(duration: latestTurn - lastHeard, heartbeat: connection.heartbeat)
    return fail(BrokerFailure(kind, broker: broker, detail: detail + (kind == .lost ? silence.hint : "")))
  }

  /// What there is to say of a broker that has not let us in until now.
  public var unanswered: BrokerFailure {
    explained(BrokerFailure(.unreachable, broker: broker, detail: "it does not answer"))
  }

  private func explained(_ failure: BrokerFailure) -> BrokerFailure {
    guard failure.kind == .unreachable, let size = connection.unansweredLoginSize else { return failure }
    var failure = failure
    failure.detail += LargeLogin(size: size, server: ServerVersion(connection.serverProperties)).hint
    return failure
  }

  private func fail(_ failure: BrokerFailure) -> Event {
    var failure = explained(failure)
    if let path = access?.token?.path {
      failure = failure.explained(
        token: AccessToken(password), path: path, isRenewed: tokens?.isUnderWay == true, time: ThisProcess.timeOfDay)
    }
    state = .failed(failure)
    return .failed(failure)
  }
}
