/// Growing pauses between attempts. Jitter makes each pause up to a fifth longer, so that many clients do not come back
/// at once.
package struct BackOff: Hashable, Sendable {
  package static let firstPause: Duration = .milliseconds(250)
  package static let maxPause: Duration = .seconds(5)

  private var next = BackOff.firstPause

  package init() {}

  /// The pause before the next attempt. `jitter` is a number from 0 to 1.
  package mutating func pause(jitter: Double) -> Duration {
    defer { next = min(next * 2, Self.maxPause) }
    return next + next * jitter / 5
  }
}
