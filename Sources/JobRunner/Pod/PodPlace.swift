internal import HTTP
package import Linux
internal import TLS

/// The runner's own pod, and the API server of its cluster
/// (<https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>).
package struct PodPlace: Hashable, Sendable {
  /// Where Kubernetes mounts what belongs to the pod's service account.
  package static let accountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"
  private static let annotation = "controller.kubernetes.io/pod-deletion-cost"

  private let origin: HTTPOrigin
  private let path: String
  private let userAgent: String

  /// `host` and `port` are those of the API server, which is told `userAgent`. `namespace` and `name` are the pod's.
  /// - Throws: an error that says what is wrong with the host or port
  package init(host: String, port: String, namespace: String, name: String, userAgent: String) throws {
    self.userAgent = userAgent
    let address = host.contains(":") ? "[\(host)]" : host
    origin = try HTTPOrigin(parsing: "https://\(address):\(port)")
    let (namespace, name) = (HTTPOrigin.segment(namespace.utf8), HTTPOrigin.segment(name.utf8))
    path = "/api/v1/namespaces/\(namespace)/pods/\(name)"
  }

  /// The text of a file of the service account. It may have changed since the last time, as tokens run out.
  /// - Throws: `SystemError`
  package static func text(of file: String) throws(SystemError) -> String {
    let bytes = try SmallFile.read("\(accountDirectory)/\(file)")
    return String(decoding: bytes.filter { $0 > 0x20 && $0 < 0x7F }, as: UTF8.self)
  }

  /// A client of the API server, which trusts the cluster's authority.
  /// - Throws: `TLSError`, `SystemError`
  func client() throws -> HTTPClient {
    var trust = TLSConfiguration()
    trust.authorities = "\(Self.accountDirectory)/ca.crt"
    trust.options.authorities = "the service account"
    var limits = HTTPClient.Limits()
    limits.time = .seconds(10)
    return try HTTPClient(origin, tls: try TLSContext(trust), userAgent: userAgent, limits: limits)
  }

  /// The request that sets the cost of deleting the pod, as a JSON merge patch (RFC 7396).
  func request(cost: Int, token: String) -> HTTPClient.Request {
    HTTPClient.Request(
      .patch, path: path,
      headers: ["Authorization": "Bearer \(token)", "Content-Type": "application/merge-patch+json"],
      body: Array(#"{"metadata":{"annotations":{"\#(Self.annotation)":"\#(cost)"}}}"#.utf8))
  }
}
