package import Telemetry

/// What a runner has done and is doing, in numbers. The names are those of OpenTelemetry's
/// [conventions for messaging](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/) where these have one,
/// in the form that Prometheus gives them.
package struct RunnerMetrics: Measured {
  /// The bounds of durations, in seconds: from those of the conventions to a job of hours.
  private static let durationBounds: [Double] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800, 3600, 14_400,
  ]
  private static let attemptBounds: [Double] = [1, 2, 3, 5, 10]

  private let queue: Label
  private let workerCount: Int
  private var process: ProcessMetrics
  private var state = RunnerState()
  private var turnedAt = ContinuousClock.now
  /// By the type of the error; nil for none.
  private var durations: [String?: Histogram] = [nil: Histogram(bounds: durationBounds)]
  /// A counter that is there from the start shows its first event as an increase.
  private var settled: [String: UInt64] = [Settlement.acked.name: 0, Settlement.deadLettered(into: "").name: 0]
  private var attempts = Histogram(bounds: attemptBounds)
  private var waits = Histogram(bounds: durationBounds)

  /// `workerCount` is how many workers may run at the same time.
  package init(queue: String, workerCount: Int, _ process: ProcessMetrics) {
    (self.queue, self.workerCount, self.process) = (.queue(queue), workerCount, process)
  }

  package mutating func turned(_ state: RunnerState, at now: ContinuousClock.Instant) {
    (self.state, turnedAt) = (state, now)
    (process.isConnected, process.loginCount) = (state.isConnected, UInt64(state.loginCount))
  }

  /// An item was settled. `startTime` is when its worker was started, in seconds since 1970-01-01T00:00:00Z.
  package mutating func add(_ record: JobRecord, startTime: Double) {
    settled[record.settlement, default: 0] += 1
    if record.leavesQueue { attempts.observe(Double(record.attempt)) }
    guard record.status != nil else { return }
    durations[record.errorType, default: Histogram(bounds: Self.durationBounds)]
      .observe(record.duration / .nanoseconds(1) / 1e9)
    guard record.attempt == 1, let timestamp = record.timestamp else { return }
    waits.observe(max(0, startTime - Double(timestamp)))
  }

  package var vitals: Vitals {
    let obstacle = "the runner is not connected to its broker, or not to its queue"
    return Vitals(turnedAt: turnedAt, obstacle: state.isServing ? nil : obstacle)
  }

  package func families(at now: ContinuousClock.Instant) -> [MetricFamily] {
    [
      MetricFamily(
        "messaging_client_consumed_messages", "Items that were delivered to the runner.",
        .counters([Labelled(UInt64(state.consumedCount), .rabbitMQ, .operation("consume"), queue)])),
      processDuration,
      MetricFamily(
        "amqp_job_settled_items", "Items that the runner settled, by settlement.",
        .counters(settled.sorted { $0.key < $1.key }.map { Labelled($0.value, queue, Label("settlement", $0.key)) })),
      MetricFamily(
        "amqp_job_item_attempts", "Attempts of the items that were done or dead-lettered.",
        .histograms([Labelled(attempts, queue)])),
      MetricFamily(
        "amqp_job_item_wait_seconds", unit: "seconds",
        "Time from the timestamp of an item to the start of its first worker.", .histograms([Labelled(waits, queue)])),
      .gauge("amqp_job_workers", "How many workers may run at the same time.", Double(workerCount)),
      .gauge("amqp_job_workers_busy", "How many workers run.", Double(state.busyWorkerCount)),
    ] + process.families
  }

  private var processDuration: MetricFamily {
    let labels = [.rabbitMQ, .operation("process"), queue]
    let histograms = durations.sorted { ($0.key ?? "") < ($1.key ?? "") }.map { error, histogram in
      Labelled(histogram, labels + (error.map { [Label("error_type", $0)] } ?? []))
    }
    return MetricFamily(
      "messaging_process_duration_seconds", unit: "seconds", "Time that a worker took over an item.",
      .histograms(histograms))
  }
}
