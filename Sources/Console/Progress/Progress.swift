/// How far the work on a queue has come, computed from nothing but the numbers of items left and of dead letters at each
/// observation.
package struct Progress: Sendable {
  /// Changes older than this do not count towards the rate, unless nothing has changed since.
  static let window: Duration = .seconds(60)

  /// The largest number of items that was ever left.
  package private(set) var total = 0
  package private(set) var left = 0
  /// The items that were dead-lettered since the first observation, and were not sent back.
  package private(set) var deadLettered = 0
  /// The number of dead letters at the latest observation.
  private var dead: Int?
  /// The observation from which the rate is counted, followed by those at which fewer items were left than before.
  private var changes: ArraySlice<(time: ContinuousClock.Instant, left: Int)> = []
  private var latest: ContinuousClock.Instant?

  package init() {}

  /// `dead` is the number of dead letters. nil where nobody can see them.
  package mutating func observe(left: Int, dead: Int? = nil, at now: ContinuousClock.Instant) {
    let isFirst = latest == nil
    observe(dead: dead, leftMore: isFirst ? 0 : max(0, left - self.left))
    // Once items are added, the difference to earlier observations no longer shows how many were done.
    if isFirst || left > self.left { changes = [] }
    if changes.isEmpty || left != self.left { changes.append((now, left)) }
    while changes.count > 2, changes[changes.startIndex + 1].time < now - Self.window { changes.removeFirst() }
    self.left = left
    total = max(total, left)
    latest = now
  }

  /// Fewer dead letters than before were either sent back, which leaves more to be done, or dropped.
  private mutating func observe(dead: Int?, leftMore: Int) {
    guard let dead else { return }
    let more = dead - (self.dead ?? dead)
    deadLettered = max(0, deadLettered + max(more, -leftMore))
    self.dead = dead
  }

  package var done: Int { max(0, total - left - deadLettered) }

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
