/// Growing pauses between attempts, each up to a fifth longer by chance so that many clients do not come back at once.
package struct BackOff: Hashable, Sendable {
  package static let first: Duration = .milliseconds(250)
  package static let longest: Duration = .seconds(5)

  private var next = BackOff.first

  package init() {}

  /// The pause before the next attempt. `chance` is a number from 0 to 1.
  package mutating func pause(chance: Double) -> Duration {
    defer { next = min(next * 2, Self.longest) }
    return next + next * chance / 5
  }
}
