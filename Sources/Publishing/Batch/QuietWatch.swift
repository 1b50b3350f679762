/// Notices when a broker confirms nothing for a while.
struct QuietWatch {
  enum Finding {
    /// Nothing has been confirmed for the limit. `isNew` is false if this was already found with the same number of
    /// confirmations.
    case quiet(isNew: Bool)
    case notQuiet
  }

  let limit: Duration
  private var settledCount = 0
  private var since: ContinuousClock.Instant
  /// The number of confirmed items when quiet was last found.
  private var lastConfirmedCount: Int?

  init(limit: Duration, now: ContinuousClock.Instant) {
    self.limit = limit
    since = now
  }

  /// The time at which quiet is found if nothing is settled before. It applies only while a confirmation is due.
  var deadline: ContinuousClock.Instant { since + limit }

  /// Takes the present counts. `isDue` tells whether the broker has anything to confirm. After quiet was found, the
  /// time starts again.
  mutating func check(
    settledCount: Int, confirmedCount: Int, isDue: Bool, now: ContinuousClock.Instant
  ) -> Finding {
    if !isDue || settledCount > self.settledCount { (self.settledCount, since) = (settledCount, now) }
    guard isDue, now >= deadline else { return .notQuiet }
    since = now
    defer { lastConfirmedCount = confirmedCount }
    return .quiet(isNew: lastConfirmedCount != confirmedCount)
  }
}
