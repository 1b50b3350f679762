internal import CEvent
internal import Glibc
internal import Linux

/// The server's loop, by evhttp of libevent. libevent leaves three things open: a limit on the number of connections, an end of
/// connections over which bytes come one at a time, and an accept(2) for which there is no descriptor.
///
/// Only the server's thread uses it once `run` is called.
final class HTTPServerLoop: @unchecked Sendable {
  private static let checkPeriod: Duration = .milliseconds(100)

  private let listener: TCPListener
  private let stopped: Descriptor
  private let handler: HTTPServer.Handler
  private let base: OpaquePointer
  private let maxConnections = HTTPServer.maxConnections
  private var http: OpaquePointer?
  private var acceptor: OpaquePointer?
  private var stopEvent: OpaquePointer?
  private var checkEvent: OpaquePointer?
  /// Since when no connection is accepted; nil while they are.
  private var fullSince: ContinuousClock.Instant?

  init(_ listener: TCPListener, _ stopped: Descriptor, _ handler: @escaping HTTPServer.Handler) throws(SystemError) {
    base = try EventBase.make()
    (self.listener, self.stopped, self.handler) = (listener, stopped, handler)
    try open()
    let context = Unmanaged.passUnretained(self).toOpaque()
    stopEvent = event_new(
      base, stopped.number, Int16(EV_READ | EV_PERSIST), { _, _, context in HTTPServerLoop.of(context).end() }, context)
    checkEvent = event_new(
      base, -1, Int16(EV_PERSIST), { _, _, context in HTTPServerLoop.of(context).check() }, context)
    guard let stopEvent, checkEvent != nil, event_add(stopEvent, nil) == 0 else { throw .shortage("malloc") }
  }

  deinit {
    if let http { evhttp_free(http) }
    for event in [stopEvent, checkEvent] { if let event { event_free(event) } }
    event_base_free(base)
  }

  func run() { event_base_dispatch(base) }

  private func end() { event_base_loopbreak(base) }

  private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPServerLoop {
    Unmanaged.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
  }

  // MARK: Connections

  private func open() throws(SystemError) {
    let socket = try listener.duplicate()
    guard let http = evhttp_new(base), let bound = evhttp_accept_socket_with_handle(http, socket) else {
      throw .shortage("malloc")
    }
    (self.http, acceptor) = (http, evhttp_bound_socket_get_listener(bound))
    let context = Unmanaged.passUnretained(self).toOpaque()
    evhttp_set_timeout(http, Int32(HTTPServer.idleLimit.components.seconds))
    evhttp_set_max_headers_size(http, HTTPServer.maxRequestSize)
    evhttp_set_max_body_size(http, HTTPServer.maxRequestSize)
    evhttp_set_bevcb(http, { base, context in HTTPServerLoop.of(context).connected(base) }, context)
    evhttp_set_gencb(http, { request, context in HTTPServerLoop.of(context).answer(request) }, context)
    evconnlistener_set_error_cb(acceptor) { acceptor, _ in HTTPServerLoop.rest(acceptor) }
  }

  /// Accepts no connection for a moment, because there is no descriptor for one. `pause` keeps the acceptor while this waits.
  private static func rest(_ acceptor: OpaquePointer?) {
    evconnlistener_disable(acceptor)
    var period = timeval(checkPeriod)
    event_base_once(
      evconnlistener_get_base(acceptor), -1, Int16(EV_TIMEOUT),
      { _, _, acceptor in evconnlistener_enable(acceptor.map { OpaquePointer($0) }) },
      acceptor.map { UnsafeMutableRawPointer($0) }, &period)
  }

  private func connected(_ base: OpaquePointer?) -> OpaquePointer? {
    if isFull { pause() }
    return bufferevent_socket_new(base, -1, Int32(BEV_OPT_CLOSE_ON_FREE.rawValue))
  }

  /// Each connection has an event. Two others are those of the acceptor and of the end, and the connection that is being accepted
  /// has none yet.
  private var isFull: Bool {
    Int(event_base_get_num_events(base, UInt32(EVENT_BASE_COUNT_ADDED))) > maxConnections
  }

  /// Accepts no connection for the time being.
  private func pause() {
    evconnlistener_disable(acceptor)
    if fullSince == nil { fullSince = .now }
    var period = timeval(Self.checkPeriod)
    event_add(checkEvent, &period)
  }

  private func check() {
    guard let since = fullSince else { return }
    if isFull, since + HTTPServer.idleLimit <= .now { restart() }
    guard !isFull else { return }
    fullSince = nil
    event_del(checkEvent)
    evconnlistener_enable(acceptor)
  }

  /// Closes all connections.
  private func restart() {
    if let http { evhttp_free(http) }
    (http, acceptor) = (nil, nil)
    do { try open() } catch { end() }
  }

  // MARK: Requests

  private func answer(_ request: OpaquePointer?) {
    let method: HTTPRequest.Method =
      switch evhttp_request_get_command(request) {
      case EVHTTP_REQ_GET: .get
      case EVHTTP_REQ_HEAD: .head
      default: .other
      }
    let path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request)).map { String(cString: $0) } ?? ""
    let accept = evhttp_find_header(evhttp_request_get_input_headers(request), "Accept").map { String(cString: $0) }
    let response = handler(HTTPRequest(method, path: path.isEmpty ? "/" : path, accept: accept ?? ""))
    let body = Array(response.body.utf8)
    let headers = evhttp_request_get_output_headers(request)
    evhttp_add_header(headers, "Content-Type", response.contentType)
    evhttp_add_header(headers, "Content-Length", "\(body.count)")
    evhttp_add_header(headers, "Cache-Control", "no-store")
    if response.status == .methodNotAllowed { evhttp_add_header(headers, "Allow", "GET, HEAD") }
    let buffer = evbuffer_new()
    defer { evbuffer_free(buffer) }
    if method != .head { body.withUnsafeBytes { _ = evbuffer_add(buffer, $0.baseAddress, $0.count) } }
    evhttp_send_reply(request, response.status.rawValue, response.status.reason, buffer)
  }
}
