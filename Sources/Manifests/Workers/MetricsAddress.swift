/// Where amqp-job serves its metrics in a pod.
package struct MetricsAddress: Hashable, Sendable {
  /// The address in the form of the option.
  package var text: String
  package var port: UInt16

  package init(_ text: String, port: UInt16) { (self.text, self.port) = (text, port) }
}

extension PodAdditions {
  /// The argument of amqp-job, if it serves metrics.
  var metricsArguments: [String] { metrics.map { ["--metrics=\($0.text)"] } ?? [] }

  /// The container's port for it. A PodMonitor of the Prometheus Operator refers to its name.
  var metricsPorts: [ContainerPort] { metrics.map { [ContainerPort(name: "metrics", number: Int($0.port))] } ?? [] }
}
