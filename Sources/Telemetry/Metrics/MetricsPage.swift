internal import HTTP
package import Linux
internal import Synchronization

/// What a program tells of itself over HTTP.
package protocol Measured: Sendable {
  func families(at now: ContinuousClock.Instant) -> [MetricFamily]
  var vitals: Vitals { get }
}

/// Serves metrics at `/metrics`, and the probes of Kubernetes at `/healthz` and `/readyz`.
package final class MetricsPage<Value: Measured> {
  /// What the server's thread reads.
  private final class Board: Sendable {
    let value: Mutex<Value>
    let cache = Mutex(ExpositionCache())
    init(_ value: Value) { self.value = Mutex(value) }
  }

  private let listener: TCPListener
  private let board: Board
  private var server: HTTPServer?

  /// - Throws: `SystemError`
  package init(_ listener: TCPListener, _ value: Value) throws(SystemError) {
    self.listener = listener
    board = Board(value)
    try resume()
  }

  /// Serves again after a `pause`.
  /// - Throws: `SystemError`
  package func resume() throws(SystemError) {
    guard server == nil else { return }
    let board = board
    server = try HTTPServer(listener) { request in
      let value = board.value.withLock { $0 }
      return board.cache.withLock { Self.response(to: request, value, at: .now, &$0) }
    }
  }

  /// Serves no more. Clients that connect meanwhile wait.
  package func pause() { server = nil }

  package func update(_ change: (inout Value) -> Void) { board.value.withLock { change(&$0) } }

  static func response(
    to request: HTTPRequest, _ value: Value, at now: ContinuousClock.Instant, _ cache: inout ExpositionCache
  ) -> HTTPResponse {
    guard request.method != .other else { return HTTPResponse(.methodNotAllowed, "only GET and HEAD are served") }
    switch request.path {
    case "/metrics":
      let format = Exposition.Format(accept: request.accept)
      let text = cache.text(of: value.families(at: now), as: format)
      return HTTPResponse(.success, contentType: format.contentType, body: text)
    case "/healthz": return HTTPResponse(probe: value.vitals.unhealthyReason(at: now))
    case "/readyz": return HTTPResponse(probe: value.vitals.unreadyReason(at: now))
    default: return HTTPResponse(.notFound, "only /metrics, /healthz and /readyz are served")
    }
  }
}

extension HTTPResponse {
  fileprivate init(_ status: Status, _ line: String) {
    self.init(status, contentType: "text/plain; charset=utf-8", body: line + "\n")
  }

  /// The answer to a probe, which fails for this reason; nil if it succeeds.
  fileprivate init(probe failure: String?) {
    self.init(failure == nil ? .success : .serviceUnavailable, failure ?? "ok")
  }
}
