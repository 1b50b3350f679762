/// A request as far as this program looks at it.
package struct HTTPRequest: Hashable, Sendable {
  /// `GET`, say; `other` for what is seldom used.
  package enum Method: Hashable, Sendable { case get, head, other }

  package var method: Method
  /// The path without the query, as it was sent: `/items/a%20b`.
  package var path: String
  /// The header of this name, with the media types that the client takes; empty where there is none.
  package var accept: String

  package init(_ method: Method, path: String, accept: String = "") {
    (self.method, self.path, self.accept) = (method, path, accept)
  }
}

/// A response with a body of text (RFC 9110).
package struct HTTPResponse: Hashable, Sendable {
  package enum Status: Int32, Hashable, Sendable {
    case success = 200
    case notFound = 404
    case methodNotAllowed = 405
    case serviceUnavailable = 503

    /// The reason phrase, which clients ignore and people read.
    var reason: String {
      switch self {
      case .success: "OK"
      case .notFound: "Not Found"
      case .methodNotAllowed: "Method Not Allowed"
      case .serviceUnavailable: "Service Unavailable"
      }
    }
  }

  package var status: Status
  package var contentType: String
  package var body: String

  package init(_ status: Status, contentType: String, body: String) {
    (self.status, self.contentType, self.body) = (status, contentType, body)
  }
}
