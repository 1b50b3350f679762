import Broker
import Publishing
import Telemetry

/// What `publish` has done, in numbers.
struct PublicationMetrics: Measured {
  private let destination: Label
  private var process: ProcessMetrics
  private var turnedAt = ContinuousClock.now
  private var confirmedCount: UInt64 = 0
  private var unconfirmedCount = 0

  init(_ destination: Destination, _ process: ProcessMetrics) {
    (self.destination, self.process) = (.queue(destination.conventionalName), process)
  }

  mutating func turned(_ publication: Publication, at now: ContinuousClock.Instant) {
    turnedAt = now
    confirmedCount = UInt64(publication.tally.confirmedCount)
    unconfirmedCount = publication.openCount
    let isConnected = if case .publishing = publication.phase { true } else { false }
    process.observe(isConnected: isConnected)
  }

  var vitals: Vitals {
    Vitals(
      turnedAt: turnedAt, obstacle: process.isConnected ? nil : "the publisher has no connection to the broker")
  }

  func families(at now: ContinuousClock.Instant) -> [MetricFamily] {
    [
      .sentMessages(confirmedCount, destination),
      MetricFamily(
        "amqp_job_unconfirmed_items", "Items that were read, and that the broker has not confirmed yet.",
        .gauges([Labelled(Double(unconfirmedCount), destination)])),
    ] + process.families
  }
}

extension Destination {
  /// The name in OpenTelemetry's [conventions for RabbitMQ](https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/).
  fileprivate var conventionalName: String {
    [exchange, routingKey].filter { !$0.isEmpty }.joined(separator: ":")
  }
}
