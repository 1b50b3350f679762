/// When a runner tells Kubernetes what it costs to delete its pod. A controller that scales down deletes the pods with the lowest
/// costs first (<https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#pod-deletion-cost>).
struct DeletionCost {
  static let (idle, busy) = (0, 100)
  /// The shortest time between two requests. A pod counts as idle only after it has been idle for that long, so that one with short
  /// items does not change all the time.
  static let pace: Duration = .seconds(5)
  /// The longest time between two requests that fail.
  static let longestPause: Duration = .seconds(60)

  enum Step: Hashable {
    /// Ask for this cost.
    case tell(Int)
    /// Nothing is to be done before this time; nil: before something changes.
    case wait(until: ContinuousClock.Instant?)
  }

  private var isBusy = false
  /// Since when it is as it is.
  private var since: ContinuousClock.Instant
  /// What Kubernetes knows. A container that was started again does not know it.
  private var told: Int?
  /// What a request under way tells.
  private var asked: Int?
  private var latestRequest: ContinuousClock.Instant?
  private var pause = pace

  init(now: ContinuousClock.Instant) { since = now - Self.pace }

  mutating func observe(isBusy: Bool, at now: ContinuousClock.Instant) {
    guard isBusy != self.isBusy else { return }
    (self.isBusy, since) = (isBusy, now)
  }

  /// What to do next. A `tell` is taken as done.
  mutating func step(at now: ContinuousClock.Instant) -> Step {
    guard asked == nil else { return .wait(until: nil) }
    let wanted = isBusy ? Self.busy : Self.idle
    guard wanted != told else { return .wait(until: nil) }
    var due = latestRequest.map { $0 + pause } ?? now
    if !isBusy { due = max(due, since + Self.pace) }
    guard due <= now else { return .wait(until: due) }
    (asked, latestRequest) = (wanted, now)
    return .tell(wanted)
  }

  /// The request under way has ended. Those that fail become rarer.
  mutating func answered(isTaken: Bool) {
    told = isTaken ? asked : nil
    asked = nil
    pause = isTaken ? Self.pace : min(pause * 2, Self.longestPause)
  }
}
