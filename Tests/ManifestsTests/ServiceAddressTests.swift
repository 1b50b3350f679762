import Manifests
import Testing

@Suite("The Service that a host name means")
struct ServiceAddressTests {
  @Test(
    "A Service's host name gives its name and namespace",
    arguments: [
      ("rabbitmq", "rabbitmq", nil), ("rabbitmq-service", "rabbitmq-service", nil), ("RabbitMQ", "rabbitmq", nil),
      ("rabbitmq.default.svc", "rabbitmq", "default"), ("mq.fruits.svc.cluster.local", "mq", "fruits"),
      ("mq.fruits.svc.cluster.local.", "mq", "fruits"), ("rabbitmq-0.rabbitmq.default.svc", "rabbitmq", "default"),
    ] as [(String, String, String?)])
  func service(host: String, service: String, namespace: String?) throws {
    let address = try #require(ServiceAddress(host: host, port: 5672))
    #expect(address.service == service)
    #expect(address.namespace == namespace)
  }

  @Test(
    "Any other host is none",
    arguments: [
      "localhost", "127.0.0.1", "::1", "2130706433", "example.com", "rabbitmq.default", "svc.example.com", "a.svc", "",
      "under_score", "a..svc", ".", "a.b.c.d.svc",
    ])
  func noService(host: String) {
    #expect(ServiceAddress(host: host, port: 5672) == nil)
  }

  @Test("The command names the namespace where the host does, and the port of the URL")
  func portForward() {
    let outside = ServiceAddress(host: "rabbitmq-service", port: 5671)?.portForward
    #expect(outside == "kubectl port-forward service/rabbitmq-service 5671:5671")
    let named = ServiceAddress(host: "rabbitmq.default.svc", port: 5672)?.portForward
    #expect(named == "kubectl port-forward --namespace default service/rabbitmq 5672:5672")
  }
}
