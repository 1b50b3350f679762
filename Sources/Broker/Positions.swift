/// Places in a queue, counted from its head, which is 1.
public struct Positions: Hashable, Sendable {
  private let ranges: [ClosedRange<Int>]
  /// The one that is farthest from the head.
  public let last: Int

  /// nil for none at all.
  public init?(_ ranges: [ClosedRange<Int>]) {
    guard let last = ranges.map(\.upperBound).max() else { return nil }
    (self.ranges, self.last) = (ranges, last)
  }

  public func contains(_ position: Int) -> Bool { ranges.contains { $0.contains(position) } }
}
