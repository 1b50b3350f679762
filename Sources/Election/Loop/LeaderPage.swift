internal import Console
internal import HTTP
internal import Linux
internal import Synchronization

/// Tells over HTTP who leads. The answer is that of the retired leader-elector sidecar of Kubernetes: an object with the
/// leader's `name` at `/`.
final class LeaderPage {
  /// What the server's thread reads.
  private final class Board: Sendable {
    let standing: Mutex<Standing>
    init() { standing = Mutex(.unknown(.notJoined)) }
  }

  private let board: Board
  private let server: HTTPServer

  /// - Throws: `SystemError`
  init(_ listener: TCPListener) throws(SystemError) {
    let board = Board()
    self.board = board
    server = try HTTPServer(listener) { request in
      Self.response(to: request, board.standing.withLock { $0 }.at(.now))
    }
  }

  func update(_ standing: Standing) { board.standing.withLock { $0 = standing } }

  static func response(to request: HTTPRequest, _ standing: Standing) -> HTTPResponse {
    guard request.path == "/" else { return HTTPResponse(.notFound, reason: "only the path / is served") }
    guard request.method != .other else {
      return HTTPResponse(.methodNotAllowed, reason: "only GET and HEAD are served")
    }
    switch standing {
    case .leader(let leader, let isSelf, _): return HTTPResponse(.success, LeaderDocument(leader, isSelf: isSelf).json)
    case .unknown(let reason): return HTTPResponse(.serviceUnavailable, reason: reason.rawValue)
    }
  }
}

extension HTTPResponse {
  fileprivate init(_ status: Status, _ json: JSON) {
    self.init(status, contentType: "application/json", body: "\(json)\n")
  }

  fileprivate init(_ status: Status, reason: String) { self.init(status, .object([.init("reason", .text(reason))])) }
}
