internal import Linux
package import Telemetry

/// What the active publisher has done, in numbers.
package struct PublisherMetrics: Measured {
  private let queue: Label
  private let epoch: Int64
  private var process: ProcessMetrics
  private var turnedAt = ContinuousClock.now
  private var sentCount: UInt64 = 0
  private var readCount: UInt64 = 0
  private var failureCount: UInt64 = 0
  /// How many names the source had when it was last read; nil if it never was.
  private var nameCount: Int?
  /// When it was last read, in seconds since 1970-01-01T00:00:00Z.
  private var lastReadAt: Double?

  /// `epoch` is the number of the publisher's leadership.
  package init(queue: String, epoch: Int64, _ process: ProcessMetrics) {
    (self.queue, self.epoch, self.process) = (.queue(queue), epoch, process)
  }

  mutating func turned(at now: ContinuousClock.Instant) { turnedAt = now }

  mutating func observe(_ event: SourcePublisher.Event) {
    switch event {
    case .joined: process.observe(isConnected: true)
    case .parted: process.observe(isConnected: false)
    case .settled(.item, isConfirmed: true): sentCount += 1
    case .listed(.names(let names, _)):
      readCount += 1
      (nameCount, lastReadAt) = (names.count, ThisProcess.timeOfDay)
    case .listed: failureCount += 1
    default: break
    }
  }

  package var vitals: Vitals {
    Vitals(
      turnedAt: turnedAt, obstacle: process.isConnected ? nil : "the publisher has no connection to the broker")
  }

  package func families(at now: ContinuousClock.Instant) -> [MetricFamily] {
    let polls = [("failure", failureCount), ("success", readCount)]
    return [
      .sentMessages(sentCount, queue),
      MetricFamily(
        "amqp_job_source_polls", "Looks at the source, by outcome.",
        .counters(polls.map { Labelled($0.1, queue, Label("outcome", $0.0)) })),
      MetricFamily(
        "amqp_job_source_names", "Names that the source had at the last look.",
        .gauges(nameCount.map { [Labelled(Double($0), queue)] } ?? [])),
      MetricFamily(
        "amqp_job_source_last_success_timestamp_seconds", unit: "seconds",
        "When the source was last read, in seconds since 1970-01-01.",
        .gauges(lastReadAt.map { [Labelled($0, queue)] } ?? [])),
      MetricFamily(
        "amqp_job_leader", "Whether this publisher is the active one: 1, or else 0.", .gauges([Labelled(1, queue)])),
      MetricFamily(
        "amqp_job_leader_epoch", "The number of the leadership, if a leader is known.",
        .gauges([Labelled(Double(epoch), queue)])),
    ] + process.families
  }
}
