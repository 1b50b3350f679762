/// The deadlines of the timers that are set.
struct Timers {
  private var deadlines: [RunnerTimer: ContinuousClock.Instant] = [:]

  mutating func set(_ timer: RunnerTimer, at deadline: ContinuousClock.Instant) {
    deadlines[timer] = deadline
  }

  mutating func cancel(_ timer: RunnerTimer) { deadlines[timer] = nil }

  var all: [(timer: RunnerTimer, deadline: ContinuousClock.Instant)] {
    deadlines.map { (timer: $0.key, deadline: $0.value) }
  }

  var next: ContinuousClock.Instant? { deadlines.values.min() }

  /// Removes one timer that is due by `now`, the earliest first, and returns it.
  mutating func takeDue(_ now: ContinuousClock.Instant) -> RunnerTimer? {
    guard let first = deadlines.min(by: { $0.value < $1.value }), first.value <= now else { return nil }
    deadlines[first.key] = nil
    return first.key
  }
}
