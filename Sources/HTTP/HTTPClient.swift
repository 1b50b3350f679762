package import Linux
internal import Synchronization
package import TLS

/// Asks one server over HTTP/1.1, in a thread of its own. The connection is kept for the next request. There is one
/// request at a time.
///
/// Its owner waits for `interest`, and then calls `takeOutcome`.
package final class HTTPClient {
  package struct Request: Hashable, Sendable {
    package enum Method: Hashable, Sendable { case get, post, patch }

    package var method: Method
    /// It is percent-encoded, and may have a query.
    package var path: String
    /// Headers beside `Host`, `User-Agent`, `Accept` (application/json) and `Content-Length`. They have no control
    /// characters.
    package var headers: [String: String]
    package var body: [UInt8]

    package init(_ method: Method = .get, path: String, headers: [String: String] = [:], body: [UInt8] = []) {
      (self.method, self.path, self.headers, self.body) = (method, path, headers, body)
    }
  }

  package struct Limits: Hashable, Sendable {
    /// The maximum size of a body in bytes.
    package var bodySize = 16 << 20
    /// The maximum time from a request to the end of its response.
    package var time: Duration = .seconds(30)
    /// The maximum time for one of several addresses to accept a connection.
    package var connecting: Duration = .seconds(4)

    package init() {}
  }

  package enum Outcome: Hashable, Sendable {
    case response(status: Int, body: [UInt8])
    /// There is no connection to the server, which knows nothing of the request.
    case unreachable(String)
    /// There is no complete response. The server may have done what the request asks for.
    case failed(String)
  }

  /// What both threads use.
  final class Exchange: Sendable {
    struct State {
      var request: Request?
      var outcome: Outcome?
    }

    let state = Mutex(State())
    /// Tells the client's thread that there is a request.
    let asked: Descriptor
    /// Tells the owner that there is an outcome.
    let answered: Descriptor

    init(asked: Descriptor, answered: Descriptor) { (self.asked, self.answered) = (asked, answered) }

    func answer(_ outcome: Outcome) {
      state.withLock { $0.outcome = outcome }
      _ = try? answered.write([0])
    }
  }

  private let exchange: Exchange
  private let answered: Descriptor
  private let thread: StoppableThread

  /// `tls` says whom to trust; it is there if, and only if, the origin is https.
  /// - Throws: `SystemError`
  package init(
    _ origin: HTTPOrigin, tls: TLSContext? = nil, userAgent: String, limits: Limits = Limits()
  ) throws(SystemError) {
    precondition((tls != nil) == (origin.scheme == .https), "TLS goes with https")
    let (asking, answering, stopping) = (try Wakeup.make(), try Wakeup.make(), try Wakeup.make())
    let exchange = Exchange(asked: asking.writeEnd, answered: answering.writeEnd)
    let loop = try HTTPClientLoop(
      HTTPServerAccess(origin: origin, tls: tls, userAgent: userAgent, limits: limits), exchange,
      requests: asking.readEnd, stopped: stopping.readEnd)
    (self.exchange, answered) = (exchange, answering.readEnd)
    thread = try StoppableThread(stop: stopping.writeEnd) { loop.run() }
  }

  /// Sends a request. One that only asks is sent again if the server closes the connection that was kept. Another one
  /// is not, as the server may have done what it asks for. Precondition: the outcome of the request before was taken.
  package func send(_ request: Request) {
    exchange.state.withLock { $0.request = request }
    _ = try? exchange.asked.write([0])
  }

  /// Becomes readable when the outcome is there.
  package var interest: PollInterest { PollInterest(descriptor: answered.number, readable: true, writable: false) }

  /// The outcome of the request; nil if it is not there yet.
  package func takeOutcome() -> Outcome? {
    let outcome = exchange.state.withLock { state in
      defer { state.outcome = nil }
      return state.outcome
    }
    guard outcome != nil else { return nil }
    var byte: [UInt8] = [0]
    _ = try? answered.read(into: &byte)
    return outcome
  }
}
