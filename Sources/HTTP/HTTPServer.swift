package import Linux

/// Serves HTTP/1.1 at one address, without TLS, in a thread of its own. So a request is answered although the program is busy,
/// and a peer that is slow holds nothing up.
package final class HTTPServer {
  /// Answers a request. It is called in the server's thread, one request at a time, and must not wait.
  package typealias Handler = @Sendable (HTTPRequest) -> HTTPResponse

  /// The maximum number of connections at the same time. Others wait, so that they cannot use up the descriptors: the rest of
  /// the program keeps 32 of these.
  package static var maxConnections: Int { min(64, max(2, SpareDescriptors.limit - 32)) }
  /// A connection over which nothing comes for this long is closed. If all are taken for as long, all are closed.
  package static let idleLimit: Duration = .seconds(10)
  /// The maximum size of a request's headers, and of its body, in bytes.
  package static let maxRequestSize = 16 << 10

  private let thread: StoppableThread

  /// Begins to serve.
  /// - Throws: `SystemError`
  package init(_ listener: TCPListener, handler: @escaping Handler) throws(SystemError) {
    let stopping = try Wakeup.make()
    let loop = try HTTPServerLoop(listener, stopping.readEnd, handler)
    thread = try StoppableThread(stop: stopping.writeEnd) { loop.run() }
  }
}
