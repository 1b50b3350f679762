internal import Linux

/// What every command tells of its process and of its broker.
package struct ProcessMetrics: Hashable, Sendable {
  private let version: String
  private let startTime: Double
  package var isConnected = false
  /// How many logins have succeeded.
  package var loginCount: UInt64 = 0

  /// `version` is that of the program.
  package init(version: String) {
    self.version = version
    startTime = ThisProcess.timeOfDay
  }

  /// Each connection that has come about is a login.
  package mutating func observe(isConnected: Bool) {
    if isConnected, !self.isConnected { loginCount += 1 }
    self.isConnected = isConnected
  }

  package var families: [MetricFamily] {
    [
      .gauge(
        "amqp_job_broker_connected", "Whether there is a connection to a broker: 1, or else 0.", isConnected ? 1 : 0),
      MetricFamily(
        "amqp_job_broker_reconnections", "How often a broker was connected to again.",
        .counters([Labelled(max(1, loginCount) - 1)])),
      MetricFamily(
        "amqp_job_build_info", "The version of the program, with the value 1.",
        .gauges([Labelled(1, Label("version", version))])),
      .gauge(
        "process_start_time_seconds", unit: "seconds", "When the process started, in seconds since 1970-01-01.",
        startTime),
    ]
  }
}

extension MetricFamily {
  /// The items that a publisher has put into a queue or an exchange.
  package static func sentMessages(_ count: UInt64, _ destination: Label) -> MetricFamily {
    MetricFamily(
      "messaging_client_sent_messages", "Items that the publisher sent, and that the broker confirmed.",
      .counters([Labelled(count, .rabbitMQ, .operation("publish"), destination)]))
  }
}

extension Label {
  /// The messaging system, as OpenTelemetry names it.
  package static let rabbitMQ = Label("messaging_system", "rabbitmq")

  package static func operation(_ name: String) -> Label { Label("messaging_operation_name", name) }

  package static func queue(_ name: String) -> Label { Label("messaging_destination_name", name) }
}
