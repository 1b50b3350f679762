internal import Broker

/// The pauses of a runner, spread by a jitter. Without it, two runners that probe the queue at the same time would do so every
/// time, and would see each other's consumers every time.
///
/// A worker that always fails would otherwise dead-letter a whole queue at once, or spin on an item that comes straight back. An item
/// that waits in the retry queue does neither, so its failure begins no pause, and does not count. Nor does an item that is too old,
/// which no worker had.
struct Pause: Sendable {
  private static let afterFailure: Duration = .milliseconds(125)
  /// The longest pause after items that came straight back, or that the broker may have dropped.
  private static let max: Duration = .seconds(30)
  /// The same after dead letters, which can be replayed, and after retries without a delay, which are at the end of the queue. Items
  /// that never succeed gather there, so a long pause after each would cost much time.
  private static let maxAtQueueEnd: Duration = .seconds(2)

  /// Returns a number from 0 to 1, a new one for each pause.
  let jitter: @Sendable () -> Double
  /// How many workers run side by side. So many failures are one round.
  let parallelism: Int
  /// No item is taken for a while, after failures in a row.
  private(set) var isActive = false
  /// How many items in a row failed and left the queue for good, or came straight back.
  private(set) var failuresInRow = 0

  init(parallelism: Int, jitter: @escaping @Sendable () -> Double) {
    self.parallelism = parallelism
    self.jitter = jitter
  }

  /// An item was settled. Returns how long to take none, or nil if that begins no pause.
  mutating func settled(_ outcome: Outcome, as settlement: Settlement) -> Duration? {
    switch (outcome, settlement) {
    case (.done, _):
      failuresInRow = 0
      isActive = false
      return nil
    case (.failed, .retried(let delay)) where delay > .zero: return nil
    case (.failed(let failure), .deadLettered) where failure.reason == .expired: return nil
    case (.failed, .deadLettered), (.failed, .retried): return failed(max: Self.maxAtQueueEnd)
    case (.failed, _): return failed(max: Self.max)
    case (.interrupted, _), (.abandoned, _): return nil
    }
  }

  private mutating func failed(max: Duration) -> Duration? {
    failuresInRow += 1
    let rounds = (failuresInRow + parallelism - 1) / parallelism
    isActive = rounds > 1
    guard isActive else { return nil }
    let pause = min(Self.afterFailure * (1 << min(rounds - 1, 10)), max)
    return pause + pause * jitter() / 5
  }

  mutating func end() { isActive = false }

  /// How long to wait before the queue is probed again.
  var beforeProbe: Duration { Drain.pause + Drain.pause * jitter() / 4 }
}
