internal import CEvent
internal import Glibc
internal import Linux
internal import Synchronization

/// The client's loop, by libevent. evhttp has no time limit for a whole response, and it blocks while it resolves a name.
/// So the time is limited here, names are resolved here, and each address is tried for a while.
///
/// Only the client's thread uses it once `run` is called.
final class HTTPClientLoop: @unchecked Sendable {
  private enum Progress {
    case idle
    case resolving(Resolver, OpaquePointer)
    /// A request is under way, and there may be other addresses.
    case asking(others: ArraySlice<SocketAddress>)
  }

  private let access: HTTPServerAccess
  private let exchange: HTTPClient.Exchange
  private let requests: Descriptor
  private let stopped: Descriptor
  private let base: OpaquePointer
  private var events: [OpaquePointer] = []
  /// Ends the request, when its time is over.
  private var limitEvent: OpaquePointer?
  /// Ends the attempt to connect to one address.
  private var attemptEvent: OpaquePointer?
  /// Takes the end of a request, outside the callback that has told of it.
  private var endEvent: OpaquePointer?
  private var connection: HTTPConnection?
  private var progress = Progress.idle
  /// The request that is under way.
  private var request = HTTPClient.Request(path: "")

  init(
    _ access: HTTPServerAccess, _ exchange: HTTPClient.Exchange, requests: Descriptor, stopped: Descriptor
  ) throws(SystemError) {
    base = try EventBase.make()
    (self.access, self.exchange) = (access, exchange)
    (self.requests, self.stopped) = (requests, stopped)
    _ = try event(stopped.number, EV_READ) { $0.leave() }
    _ = try event(requests.number, EV_READ | EV_PERSIST) { $0.begin() }
    limitEvent = try event(-1, 0) { $0.timedOut() }
    attemptEvent = try event(-1, 0) { $0.attemptTimedOut() }
    endEvent = try event(-1, 0) { $0.ended() }
  }

  deinit {
    connection = nil
    for event in events { event_free(event) }
    event_base_free(base)
  }

  func run() { event_base_dispatch(base) }

  private func leave() { event_base_loopbreak(base) }

  private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPClientLoop {
    Unmanaged.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
  }

  // MARK: Events

  private final class Handler {
    unowned let loop: HTTPClientLoop
    let handle: (HTTPClientLoop) -> Void
    init(_ loop: HTTPClientLoop, _ handle: @escaping (HTTPClientLoop) -> Void) {
      (self.loop, self.handle) = (loop, handle)
    }
  }

  private var handlers: [Handler] = []

  private func event(
    _ descriptor: Int32, _ kind: Int32, _ handle: @escaping (HTTPClientLoop) -> Void
  ) throws(SystemError) -> OpaquePointer {
    let handler = Handler(self, handle)
    handlers.append(handler)
    let made = event_new(
      base, descriptor, Int16(kind),
      { _, _, context in
        let handler = Unmanaged<Handler>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
        handler.handle(handler.loop)
      }, Unmanaged.passUnretained(handler).toOpaque())
    guard let made, descriptor < 0 || event_add(made, nil) == 0 else { throw .shortage("malloc") }
    events.append(made)
    return made
  }

  private func start(_ timer: OpaquePointer?, _ time: Duration) {
    var time = timeval(time)
    event_add(timer, &time)
  }

  // MARK: Requests

  private func begin() {
    var byte: [UInt8] = [0]
    _ = try? requests.read(into: &byte)
    let next = exchange.state.withLock { state in
      defer { state.request = nil }
      return state.request
    }
    guard let next else { return }
    request = next
    start(limitEvent, access.limits.time)
    if let connection, !connection.isClosed { ask(connection, others: []) } else { resolve() }
  }

  private func finish(_ outcome: HTTPClient.Outcome) {
    event_del(limitEvent)
    event_del(attemptEvent)
    if case .resolving(_, let event) = progress { event_free(event) }
    progress = .idle
    exchange.answer(outcome)
  }

  private func timedOut() {
    connection = nil
    finish(.failed("it gave no complete answer within \(access.limits.time.components.seconds) s"))
  }

  // MARK: The connection

  private func resolve() {
    do {
      let resolver = try Resolver(host: access.origin.host, port: access.origin.port)
      let context = Unmanaged.passUnretained(self).toOpaque()
      let event = event_new(
        base, resolver.interest.descriptor, Int16(EV_READ),
        { _, _, context in
          HTTPClientLoop.of(context).resolved()
        }, context)
      guard let event, event_add(event, nil) == 0 else { throw SystemError.shortage("malloc") }
      progress = .resolving(resolver, event)
    } catch { finish(.unreachable(SystemError.reason(of: error))) }
  }

  private func resolved() {
    guard case .resolving(let resolver, let event) = progress else { return }
    event_free(event)
    progress = .idle
    switch Result(catching: resolver.answer) {
    case .success(.addresses(let addresses)): connect(addresses[...], reason: "it has no address")
    case .success(.failed(let reason)): finish(.unreachable(reason))
    case .failure(let error): finish(.unreachable(SystemError.reason(of: error)))
    }
  }

  private func connect(_ addresses: ArraySlice<SocketAddress>, reason: String) {
    connection = nil
    guard let address = addresses.first else { return finish(.unreachable(reason)) }
    do {
      let made = try HTTPConnection(base, access, address) { [unowned self] in event_active(endEvent, 0, 0) }
      connection = made
      start(attemptEvent, access.limits.connecting)
      ask(made, others: addresses.dropFirst())
    } catch { finish(.unreachable(SystemError.reason(of: error))) }
  }

  private func attemptTimedOut() {
    guard case .asking(let others) = progress, connection?.isConnected == false else { return }
    connect(others, reason: "it does not answer")
  }

  private func ask(_ connection: HTTPConnection, others: ArraySlice<SocketAddress>) {
    progress = .asking(others: others)
    connection.send(request)
  }

  private func ended() {
    guard case .asking(let others) = progress, let connection, let end = connection.end else { return }
    switch end {
    case .response(let status, let body): finish(.response(status: status, body: body))
    // The server may have closed the connection just then.
    case .noConnection where connection.isReused && request.isSafe,
      .flawed(_, isAnswered: false) where connection.isReused && request.isSafe:
      self.connection = nil
      resolve()
    case .noConnection: connect(others, reason: connection.failure)
    case .flawed(let reason, _):
      self.connection = nil
      finish(.failed(reason))
    }
  }
}

extension HTTPClient.Request {
  /// Whether it changes nothing, so that it may be sent twice (RFC 9110, 9.2.1).
  fileprivate var isSafe: Bool { method == .get }
}
