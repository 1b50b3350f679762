/// A Kubernetes Service, as a host name inside the cluster names it
/// (<https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/>).
package struct ServiceAddress: Hashable, Sendable {
  package let service: String
  /// nil if the host name leaves the namespace out, as in `rabbitmq`.
  package let namespace: String?
  package let port: UInt16

  /// Returns nil for a host name that cannot be a Service's, or that is as likely to be a name outside a cluster:
  /// `rabbitmq.default` reads like `example.com`.
  package init?(host: String, port: UInt16) {
    let name = host.lowercased()
    var labels = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if labels.last == "" { labels.removeLast() }
    guard labels.allSatisfy(\.isDNSLabel), let first = labels.first else { return nil }
    self.port = port
    guard labels.count > 1 else {
      guard first != "localhost", !first.utf8.allSatisfy(\.isDigit) else { return nil }
      (service, namespace) = (first, nil)
      return
    }
    // A pod of a StatefulSet has its own name before that of its Service: rabbitmq-0.rabbitmq.default.svc.
    guard let mark = labels.firstIndex(of: "svc"), mark == 2 || mark == 3 else { return nil }
    (service, namespace) = (labels[mark - 2], labels[mark - 1])
  }

  /// The command that makes the Service reachable at `localhost`, on the same port.
  package var portForward: String {
    let option = namespace.map { " --namespace \($0)" } ?? ""
    return "kubectl port-forward\(option) service/\(service) \(port):\(port)"
  }
}
