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

  /// The first `count` positions behind this one, in order.
  package func beyond(_ position: Int, atMost count: Int) -> [Int] {
    var found: [Int] = []
    var last = position
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where range.upperBound > last {
      for next in max(range.lowerBound, last + 1)...range.upperBound {
        guard found.count < count else { return found }
        found.append(next)
        last = next
      }
    }
    return found
  }

  package func contains(_ position: Int) -> Bool { ranges.contains { $0.contains(position) } }
}
