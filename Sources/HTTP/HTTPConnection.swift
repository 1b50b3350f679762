internal import CEvent
internal import Glibc
internal import Linux
internal import TLS

/// How a client reaches its server.
struct HTTPServerAccess: Sendable {
  var origin: HTTPOrigin
  /// Whom to trust; nil without TLS.
  var tls: TLSContext?
  var userAgent: String
  var limits: HTTPClient.Limits
}

/// A connection with one address of a server, by evhttp, and the request that is under way over it.
final class HTTPConnection {
  /// How a request ended.
  enum End {
    case response(status: Int, body: [UInt8])
    /// No connection could be made, or no TLS. The server has not seen the request.
    case noConnection
    /// There is no answer, or one that cannot be used.
    case flawed(String, isAnswered: Bool)
  }

  /// Whether the server has answered a request over this connection, and so may close it before the next one.
  private(set) var isReused = false
  /// The connection can no longer be used.
  private(set) var isClosed = false
  /// How the last request ended; nil while it is under way.
  private(set) var end: End?

  private let access: HTTPServerAccess
  private let address: SocketAddress
  private let connection: OpaquePointer
  private let tls: TLSConnection?
  private let ended: () -> Void
  private var flaw: End?

  /// `ended` is called once for each request. It must not send another one before it has returned.
  /// - Throws: `SystemError`, `TLSError`
  init(
    _ base: OpaquePointer, _ access: HTTPServerAccess, _ address: SocketAddress, ended: @escaping () -> Void
  ) throws {
    (self.access, self.address, self.ended) = (access, address, ended)
    tls = try access.tls.map { try TLSConnection($0, host: access.origin.host) }
    // The socket is closed by evhttp, and the TLS object belongs to `tls`.
    let stream = tls.flatMap { bufferevent_openssl_socket_new(base, -1, $0.ssl, BUFFEREVENT_SSL_CONNECTING, 0) }
    let port = access.origin.port
    guard (stream == nil) == (tls == nil),
      let made = evhttp_connection_base_bufferevent_new(base, nil, stream, address.numericHost, port)
    else { throw SystemError.shortage("malloc") }
    connection = made
    evhttp_connection_set_max_body_size(connection, access.limits.bodySize)
    evhttp_connection_set_max_headers_size(connection, HTTPServer.maxRequestSize)
    // This limit is for a silence. The client's own limit ends the request before it.
    evhttp_connection_set_timeout(connection, Int32(access.limits.time.components.seconds) + 1)
    let context = Unmanaged.passUnretained(self).toOpaque()
    evhttp_connection_set_closecb(connection, { _, context in HTTPConnection.of(context).isClosed = true }, context)
  }

  deinit {
    evhttp_connection_set_closecb(connection, nil, nil)
    evhttp_connection_free(connection)
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPConnection {
    Unmanaged.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
  }

  private var stream: OpaquePointer? { evhttp_connection_get_bufferevent(connection) }

  /// Whether the server has accepted the connection, with or without TLS.
  var isConnected: Bool {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout.size(ofValue: storage))
    let socket = bufferevent_getfd(stream)
    return withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(socket, $0, &size) == 0 }
    }
  }

  // MARK: Requests

  func send(_ content: HTTPClient.Request) {
    if case .response = end { isReused = true }
    (end, flaw) = (nil, nil)
    let request = evhttp_request_new(
      { request, context in HTTPConnection.of(context).answered(request) }, Unmanaged.passUnretained(self).toOpaque())
    evhttp_request_set_error_cb(request) { error, context in HTTPConnection.of(context).flawed(error) }
    evhttp_request_set_header_cb(request) { _, context in
      HTTPConnection.of(context).acknowledge()
      return 0
    }
    addHeaders(of: content, to: evhttp_request_get_output_headers(request))
    _ = content.body.withUnsafeBytes {
      evbuffer_add(evhttp_request_get_output_buffer(request), $0.baseAddress, $0.count)
    }
    guard evhttp_make_request(connection, request, content.method.command, content.path) == 0 else {
      return finish(.noConnection)
    }
  }

  private func addHeaders(of content: HTTPClient.Request, to headers: OpaquePointer?) {
    evhttp_add_header(headers, "Host", access.origin.authority)
    evhttp_add_header(headers, "User-Agent", access.userAgent)
    evhttp_add_header(headers, "Accept", "application/json")
    for (name, value) in content.headers { evhttp_add_header(headers, name, value) }
    // evhttp adds it for some methods only.
    if content.method != .get { evhttp_add_header(headers, "Content-Length", "\(content.body.count)") }
  }

  private func finish(_ end: End) {
    self.end = end
    ended()
  }

  // MARK: Responses

  private func flawed(_ error: evhttp_request_error) {
    let reason =
      switch error {
      case EVREQ_HTTP_TIMEOUT: "it does not answer"
      case EVREQ_HTTP_EOF: tlsFailure ?? "it closed the connection before the answer was complete"
      case EVREQ_HTTP_INVALID_HEADER: "its answer is no HTTP"
      case EVREQ_HTTP_DATA_TOO_LONG:
        "its answer is longer than \(access.limits.bodySize >> 20) MiB, or has too long a header"
      default: "its answer cannot be read"
      }
    flaw = .flawed(reason, isAnswered: error == EVREQ_HTTP_INVALID_HEADER || error == EVREQ_HTTP_DATA_TOO_LONG)
  }

  private func answered(_ request: OpaquePointer?) {
    let status = request.map { Int(evhttp_request_get_response_code($0)) } ?? 0
    if let tls, !tls.isEstablished {
      finish(.noConnection)
    } else if let flaw {
      finish(flaw)
    } else if let request, status > 0 {
      let buffer = evhttp_request_get_input_buffer(request)
      let count = evbuffer_get_length(buffer)
      let body = [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
        filled = max(0, Int(evbuffer_remove(buffer, bytes.baseAddress, count)))
      }
      finish(.response(status: status, body: body))
    } else {
      finish(.noConnection)
    }
  }

  /// Acks the beginning of a response at once. Many servers send the body only after that, and the system would wait
  /// for 40 ms.
  private func acknowledge() {
    var on: Int32 = 1
    let socket = bufferevent_getfd(stream)
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_QUICKACK, &on, socklen_t(MemoryLayout.size(ofValue: on)))
  }

  // MARK: Reasons

  /// Why there is no connection, after `noConnection`. evhttp does not tell.
  var failure: String {
    if isReused { return "it closes connections" }
    if let tlsFailure { return tlsFailure }
    do {
      let socket = try TCPSocket(connectingTo: address)
      let interest = socket.interest(readable: false, writable: true)
      guard try poll([interest], until: .now + .milliseconds(500))[0].writable else { return "it does not answer" }
      return socket.connectionError()?.reason ?? "it closes connections"
    } catch { return SystemError.reason(of: error) }
  }

  /// Why TLS failed; nil if it did not. libevent tells its errors once, the latest first, and its own kinds among
  /// OpenSSL's.
  private lazy var tlsFailure: String? = {
    guard let tls else { return nil }
    let codes = sequence(state: stream) { stream in
      let code = UInt(bufferevent_get_openssl_error(stream))
      return code == 0 ? nil : code
    }
    return codes.filter { $0 > 0xFF }.last.map { tls.failure($0).description }
  }()
}

extension HTTPClient.Request.Method {
  fileprivate var command: evhttp_cmd_type {
    switch self {
    case .get: EVHTTP_REQ_GET
    case .post: EVHTTP_REQ_POST
    case .patch: EVHTTP_REQ_PATCH
    }
  }
}
