internal import Linux
internal import Telemetry

/// What others see of a runner: its liveness file, its metrics, and what it costs to delete its pod.
struct SignsOfLife {
  private var file: Liveness?
  private let page: MetricsPage<RunnerMetrics>?
  private let pod: PodAnnotator?
  private var nextTurn = ContinuousClock.now

  /// Starts the threads for what is seen over the network. They inherit the signal mask of this one.
  /// - Throws: `SystemError`
  init(_ signs: EventLoop.Configuration.Signs) throws(SystemError) {
    file = signs.liveness
    page = if let metrics = signs.metrics { try metrics.open() } else { nil }
    pod = if let place = signs.pod { try PodAnnotator(place) } else { nil }
  }

  /// When a sign is due.
  var next: ContinuousClock.Instant? { file?.next ?? (page == nil && pod == nil ? nil : nextTurn) }

  /// Returns what is wrong with them, each once in a row.
  mutating func turned(_ runner: Runner, now: ContinuousClock.Instant) -> [String] {
    nextTurn = now + Vitals.period
    page?.update { $0.turned(runner.state, at: now) }
    let unwritten = file?.update(isServing: runner.isServing, now: now)
    let untold = pod?.update(isBusy: runner.slots.contains(where: \.hasWorker))
    return [
      unwritten.map { "cannot write the liveness file: \($0.reason)" },
      untold.map { "cannot tell Kubernetes what it costs to delete this pod: \($0)" },
    ].compactMap(\.self)
  }

  func add(_ record: JobRecord) {
    page?.update { $0.add(record, startTime: ThisProcess.timeOfDay(at: record.startedAt)) }
  }

  /// The runner has ended, so nothing must say that it is alive.
  func end() {
    file?.remove()
    page?.pause()
  }
}
