/// How many of the values that were observed are at most as large as each bound.
package struct Histogram: Hashable, Sendable {
  /// The upper bounds of the buckets, in ascending order. A last bucket has no bound.
  package let bounds: [Double]
  /// How many values are in each bucket, and in no smaller one.
  private var counts: [UInt64]
  package private(set) var sum = 0.0

  package init(bounds: [Double]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  package mutating func observe(_ value: Double) {
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    sum += value
  }

  package var count: UInt64 { counts.reduce(0, +) }

  /// For each bound how many values are at most as large.
  package var cumulativeCounts: [UInt64] {
    var total: UInt64 = 0
    return counts.dropLast().map { count in
      total += count
      return total
    }
  }
}
