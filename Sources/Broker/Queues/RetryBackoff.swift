/// An exponential backoff: the more often an item has failed, the later it is tried again, up to a maximum.
///
/// Each of the delays has a retry queue of its own, which is its level. A queue is first in, first out, so an item in a
/// common queue would wait behind an item with a longer delay.
package struct RetryBackoff: Hashable, Sendable {
  /// The delay after the first failed attempt.
  package let first: Duration
  /// The ratio of a delay to the one before it.
  package let factor: Double
  package let max: Duration
  /// The delays in whole milliseconds, by level. The last one also follows all later attempts.
  package let delays: [Duration]

  /// Returns nil if there are more delays than levels. Preconditions: `first` is positive, `factor` is at least 1, and
  /// `max` is at least `first`.
  package init?(first: Duration, factor: Double, max: Duration) {
    (self.first, self.factor, self.max) = (first, factor, max)
    let (start, end) = (first / .milliseconds(1), max / .milliseconds(1))
    var delays: [Duration] = []
    var next = start
    while true {
      guard delays.count < WorkQueue.maxRetryLevel else { return nil }
      delays.append(.milliseconds(Int64(next.rounded())))
      guard factor > 1, next.rounded() < end.rounded() else { break }
      next = min(next * factor, end)
    }
    self.delays = delays
  }

  package var levelCount: Int { delays.count }

  /// The level for an item of which this many attempts have failed.
  package func level(afterAttempt attempt: Int) -> Int { min(Swift.max(1, attempt), levelCount) }

  /// The delay of a level, lengthened or shortened by up to `jitter`, which is a share of it. `random` is from 0 to 1.
  package func delay(ofLevel level: Int, jitter: Double, random: Double) -> Duration {
    let delay = delays[level - 1] / .milliseconds(1)
    return .milliseconds(Int64((delay * (1 + jitter * (2 * random - 1))).rounded()))
  }
}
