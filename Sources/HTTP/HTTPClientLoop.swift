internal import CEvent
internal import Glibc
internal import Linux
internal import Synchronization

/// The client's loop, by evhttp of libevent. evhttp has no time limit for a whole response, and it blocks while it resolves a name.
/// So the time is limited here, names are resolved here, and each address is tried for a while.
///
/// Only the client's thread uses it once `run` is called.
final class HTTPClientLoop: @unchecked Sendable {
  private enum Progress {
    case idle
    case resolving(Resolver, OpaquePointer)
    /// A request is under way, and there may be other addresses.
    case asking(SocketAddress?, others: ArraySlice<SocketAddress>)
  }

  private let origin: HTTPOrigin
  private let userAgent: String
  private let limits: HTTPClient.Limits
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
  private var connection: OpaquePointer?
  private var progress = Progress.idle
  private var state = RequestState()

  /// The request that is under way.
  private struct RequestState {
    var path = ""
    /// The connection has answered a request before, so the server may have closed it in the meantime.
    var isReused = false
    var end: HTTPClient.Outcome?
    /// What evhttp has said of a response that cannot be used.
    var flaw: String?
    /// The flaw is that of an answer, and not that there is none.
    var isAnswerFlawed = false
  }

  init(
    _ origin: HTTPOrigin, userAgent: String, _ limits: HTTPClient.Limits, _ exchange: HTTPClient.Exchange,
    requests: Descriptor, stopped: Descriptor
  ) throws(SystemError) {
    // Otherwise libevent writes to the standard error.
    event_set_log_callback { _, _ in }
    guard let base = event_base_new() else { throw .shortage("epoll_create") }
    (self.origin, self.userAgent, self.limits, self.exchange) = (origin, userAgent, limits, exchange)
    (self.requests, self.stopped, self.base) = (requests, stopped, base)
    _ = try event(stopped.number, EV_READ) { $0.leave() }
    _ = try event(requests.number, EV_READ | EV_PERSIST) { $0.begin() }
    limitEvent = try event(-1, 0) { $0.timedOut() }
    attemptEvent = try event(-1, 0) { $0.attemptTimedOut() }
    endEvent = try event(-1, 0) { $0.ended() }
  }

  deinit {
    if let connection { evhttp_connection_free(connection) }
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
    let path = exchange.state.withLock { state in
      defer { state.path = nil }
      return state.path
    }
    guard let path else { return }
    state = RequestState(path: path, isReused: connection != nil)
    start(limitEvent, limits.time)
    if connection == nil { resolve() } else { ask(nil, others: []) }
  }

  private func finish(_ outcome: HTTPClient.Outcome) {
    event_del(limitEvent)
    event_del(attemptEvent)
    if case .resolving(_, let event) = progress { event_free(event) }
    progress = .idle
    exchange.answer(outcome)
  }

  private func timedOut() {
    disconnect()
    finish(.failed("it gave no complete answer within \(limits.time.components.seconds) s"))
  }

  // MARK: The connection

  private func resolve() {
    do {
      let resolver = try Resolver(host: origin.host, port: origin.port)
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
    disconnect()
    guard let address = addresses.first else { return finish(.unreachable(reason)) }
    connection = evhttp_connection_base_new(base, nil, address.numericHost, origin.port)
    evhttp_connection_set_max_body_size(connection, limits.bodySize)
    evhttp_connection_set_max_headers_size(connection, HTTPServer.maxRequestSize)
    // This limit is for a silence. `limitEvent` ends the request before it.
    evhttp_connection_set_timeout(connection, Int32(limits.time.components.seconds) + 1)
    start(attemptEvent, limits.connecting)
    ask(address, others: addresses.dropFirst())
  }

  private func disconnect() {
    if let connection { evhttp_connection_free(connection) }
    connection = nil
  }

  private func attemptTimedOut() {
    guard case .asking(_, let others) = progress, !isConnected else { return }
    connect(others, reason: "it does not answer")
  }

  private var isConnected: Bool {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout.size(ofValue: storage))
    let socket = bufferevent_getfd(evhttp_connection_get_bufferevent(connection))
    return withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(socket, $0, &size) == 0 }
    }
  }

  // MARK: Responses

  /// The address is nil if there is a connection.
  private func ask(_ address: SocketAddress?, others: ArraySlice<SocketAddress>) {
    progress = .asking(address, others: others)
    (state.end, state.flaw, state.isAnswerFlawed) = (nil, nil, false)
    let context = Unmanaged.passUnretained(self).toOpaque()
    let request = evhttp_request_new(
      { request, context in
        HTTPClientLoop.of(context).answered(request)
      }, context)
    evhttp_request_set_error_cb(request) { error, context in
      HTTPClientLoop.of(context).flawed(error)
    }
    evhttp_request_set_header_cb(request) { _, context in
      HTTPClientLoop.of(context).acknowledge()
      return 0
    }
    let headers = evhttp_request_get_output_headers(request)
    evhttp_add_header(headers, "Host", origin.authority)
    evhttp_add_header(headers, "User-Agent", userAgent)
    evhttp_add_header(headers, "Accept", "application/json")
    guard let connection, evhttp_make_request(connection, request, EVHTTP_REQ_GET, state.path) == 0 else {
      state.end = .unreachable("")
      event_active(endEvent, 0, 0)
      return
    }
  }

  private func flawed(_ error: evhttp_request_error) {
    state.isAnswerFlawed = error == EVREQ_HTTP_INVALID_HEADER || error == EVREQ_HTTP_DATA_TOO_LONG
    state.flaw =
      switch error {
      case EVREQ_HTTP_TIMEOUT: "it does not answer"
      case EVREQ_HTTP_EOF: "it closed the connection before the answer was complete"
      case EVREQ_HTTP_INVALID_HEADER: "its answer is no HTTP"
      case EVREQ_HTTP_DATA_TOO_LONG: "its answer is longer than \(limits.bodySize >> 20) MiB, or has too long a header"
      default: "its answer cannot be read"
      }
  }

  private func answered(_ request: OpaquePointer?) {
    let status = request.map { Int(evhttp_request_get_response_code($0)) } ?? 0
    if let flaw = state.flaw {
      state.end = .failed(flaw)
    } else if let request, status > 0 {
      let buffer = evhttp_request_get_input_buffer(request)
      let count = evbuffer_get_length(buffer)
      let body = [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
        filled = max(0, Int(evbuffer_remove(buffer, bytes.baseAddress, count)))
      }
      state.end = .response(status: status, body: body)
    } else {
      state.end = .unreachable("")
    }
    event_active(endEvent, 0, 0)
  }

  /// Acks the beginning of a response at once. Many servers send the body only after that, and the system would wait for 40 ms.
  private func acknowledge() {
    var on: Int32 = 1
    let socket = bufferevent_getfd(evhttp_connection_get_bufferevent(connection))
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_QUICKACK, &on, socklen_t(MemoryLayout.size(ofValue: on)))
  }

  private func ended() {
    guard case .asking(let address, let others) = progress, let end = state.end else { return }
    switch end {
    case .response: finish(end)
    case .unreachable, .failed:
      // The server may have closed the connection just then.
      if state.isReused, !state.isAnswerFlawed {
        state.isReused = false
        disconnect()
        return resolve()
      }
      if case .unreachable = end { return connect(others, reason: address.map(Self.reason) ?? "it closes connections") }
      disconnect()
      finish(end)
    }
  }

  /// Why no connection can be made to an address, which evhttp does not tell.
  private static func reason(_ address: SocketAddress) -> String {
    do {
      let socket = try TCPSocket(connectingTo: address)
      let interest = socket.interest(readable: false, writable: true)
      guard try poll([interest], until: .now + .milliseconds(500))[0].writable else { return "it does not answer" }
      return socket.connectionError()?.reason ?? "it closes connections"
    } catch { return SystemError.reason(of: error) }
  }
}
