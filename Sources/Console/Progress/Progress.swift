/// How far the work on a queue has come, computed from nothing but the number of items left at each observation.
package struct Progress: Sendable {
  /// Changes older than this do not count towards the rate, unless nothing has changed since.
  static let window: Duration = .seconds(60)

  /// The largest number of items that was ever left.
  package private(set) var total = 0
  package private(set) var left = 0
  /// The observation from which the rate is counted, followed by those at which fewer items were left than before.
  private var changes: ArraySlice<(time: ContinuousClock.Instant, left: Int)> = []
  private var latest: ContinuousClock.Instant?

  package init() {}

  package mutating func observe(left: Int, at now: ContinuousClock.Instant) {
    let isFirst = latest == nil
    // Once items are added, the difference to earlier observations no longer shows how many were done.
    if isFirst || left > self.left { changes = [] }
    if changes.isEmpty || left != self.left { changes.append((now, left)) }
    while changes.count > 2, changes[changes.startIndex + 1].time < now - Self.window { changes.removeFirst() }
    self.left = left
    total = max(total, left)
    latest = now
  }

  package var done: Int { total - left }

  /// What is left was ever observed.
  var isKnown: Bool { latest != nil }

  /// The fraction of the work that is done, from 0 to 1. nil where there was never anything to do.
  package var fraction: Double? { total == 0 ? nil : Double(done) / Double(total) }

  /// Items per second. nil as long as no item was done.
  package var rate: Double? {
    guard let first = changes.first, let latest, first.left > left, latest > first.time else { return nil }
    return Double(first.left - left) / (first.time.duration(to: latest) / .seconds(1))
  }

  package var timeLeft: Duration? {
    if total > 0 && left == 0 { return .zero }
    return rate.map { .seconds(Double(left) / $0) }
  }
}
