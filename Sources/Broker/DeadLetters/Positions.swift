/// Positions in a queue. The head has position 1.
package struct Positions: Hashable, Sendable {
  private let ranges: [ClosedRange<Int>]
  /// The position that is farthest from the head.
  package let last: Int

  /// The result is nil if there are no positions.
  package init?(_ ranges: [ClosedRange<Int>]) {
    guard let last = ranges.map(\.upperBound).max() else { return nil }
    (self.ranges, self.last) = (ranges, last)
  }

  package func contains(_ position: Int) -> Bool { ranges.contains { $0.contains(position) } }
}
