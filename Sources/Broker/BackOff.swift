/// Growing pauses between attempts, each up to a fifth longer by chance so that many clients do not come back at once.
public struct BackOff: Hashable, Sendable {
  public static let first: Duration = .milliseconds(250)
  public static let longest: Duration = .seconds(5)

  private var next = BackOff.first

  public init() {}

  /// The pause before the next attempt. `chance` is a number from 0 to 1.
  public mutating func pause(chance: Double) -> Duration {
    defer { next = min(next * 2, Self.longest) }
    return next + next * chance / 5
  }
}
