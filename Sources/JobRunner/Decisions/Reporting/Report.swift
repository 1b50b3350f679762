internal import Console

/// What has been said, and since when there is something to say.
struct Report: Hashable, Sendable {
  private(set) var startedAt: ContinuousClock.Instant
  /// Since when there has been nothing to do.
  private var idleSince: ContinuousClock.Instant?
  /// When each thing that is waited for was last reported.
  private var reportedAt: [Waiting: ContinuousClock.Instant] = [:]
  /// A line has been logged that says why the status is not 0.
  private(set) var hasReportedError = false
  /// The steps that were said not to answer, and have not answered since.
  private(set) var silentSteps: [StepPlace] = []

  /// What is known of the queue's depth, if progress is shown.
  var depth: Depth

  init(startedAt: ContinuousClock.Instant, depth: Depth) { (self.startedAt, self.depth) = (startedAt, depth) }

  mutating func start(now: ContinuousClock.Instant) { (startedAt, idleSince) = (now, now) }

  mutating func busy() { idleSince = nil }

  /// Returns since when there has been nothing to do.
  @discardableResult
  mutating func idle(now: ContinuousClock.Instant) -> ContinuousClock.Instant {
    let since = idleSince ?? now
    idleSince = since
    return since
  }

  mutating func reported(_ waiting: Waiting, now: ContinuousClock.Instant) { reportedAt[waiting] = now }

  func isReported(_ waiting: Waiting, within period: Duration, now: ContinuousClock.Instant) -> Bool {
    reportedAt[waiting].map { now < $0 + period } ?? false
  }

  /// Returns whether that is new.
  mutating func silent(_ step: StepPlace) -> Bool {
    guard !silentSteps.contains(step) else { return false }
    silentSteps.append(step)
    return true
  }

  mutating func answered(_ step: StepPlace) { silentSteps.removeAll { $0 == step } }

  mutating func logged(_ level: LogEntry.Level) {
    if level == .error { hasReportedError = true }
  }
}
