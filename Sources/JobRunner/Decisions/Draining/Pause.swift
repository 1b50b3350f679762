internal import Broker

/// The pauses of a runner, spread by a jitter. Without it, two runners that probe the queue at the same time would do so every
/// time, and would see each other's consumers every time.
struct Pause: Sendable {
  private static let afterFailure: Duration = .milliseconds(125)
  private static let max: Duration = .seconds(30)

  /// Returns a number from 0 to 1, a new one for each pause.
  let jitter: @Sendable () -> Double
  /// No item is taken for a while, after failures in a row.
  private(set) var isActive = false

  init(jitter: @escaping @Sendable () -> Double) { self.jitter = jitter }

  /// An item was settled. Returns how long to take none after so many failures in a row: an item that comes back at once would
  /// keep the runner spinning. nil ends the pause.
  mutating func begin(failuresInRow: Int) -> Duration? {
    isActive = failuresInRow > 1
    guard isActive else { return nil }
    let pause = min(Self.afterFailure * (1 << min(failuresInRow - 1, 10)), Self.max)
    return pause + pause * jitter() / 5
  }

  mutating func end() { isActive = false }

  /// How long to wait before the queue is probed again.
  var beforeProbe: Duration { Drain.pause + Drain.pause * jitter() / 4 }
}
