/// Places in a queue, counted from its head, which is 1.
package struct Positions: Hashable, Sendable {
  private let ranges: [ClosedRange<Int>]
  /// The one that is farthest from the head.
  package let last: Int

  /// nil for none at all.
  package init?(_ ranges: [ClosedRange<Int>]) {
    guard let last = ranges.map(\.upperBound).max() else { return nil }
    (self.ranges, self.last) = (ranges, last)
  }

  package func contains(_ position: Int) -> Bool { ranges.contains { $0.contains(position) } }
}
