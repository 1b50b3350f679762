internal import Linux
internal import Telemetry

/// What others see of a runner: its liveness file, and its metrics.
struct SignsOfLife {
  private var file: Liveness?
  private let page: MetricsPage<RunnerMetrics>?
  private var nextTurn = ContinuousClock.now

  /// Serves the metrics in a thread, which inherits the signal mask of this one.
  /// - Throws: `SystemError`
  init(_ file: Liveness?, _ metrics: EventLoop.Configuration.Metrics?) throws(SystemError) {
    self.file = file
    page = if let metrics { try MetricsPage(metrics.listener, metrics.initial) } else { nil }
  }

  /// When a sign is due.
  var next: ContinuousClock.Instant? { file?.next ?? (page == nil ? nil : nextTurn) }

  /// Returns why the file cannot be written, once in a row.
  mutating func turned(_ runner: Runner, now: ContinuousClock.Instant) -> SystemError? {
    nextTurn = now + Vitals.period
    page?.update { $0.turned(runner.state, at: now) }
    return file?.update(isServing: runner.isServing, now: now)
  }

  func add(_ record: JobRecord) {
    let age = record.startedAt.duration(to: .now) / .nanoseconds(1) / 1e9
    page?.update { $0.add(record, startTime: ThisProcess.timeOfDay - age) }
  }

  /// The runner has ended, so nothing must say that it is alive.
  func end() {
    file?.remove()
    page?.pause()
  }
}
