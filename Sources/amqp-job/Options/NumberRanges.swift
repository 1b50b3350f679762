/// Lists of numbers and ranges: `2,65-70`.
enum NumberRanges {
  /// Returns nil if the text is not such a list, or has a number outside `allowed`.
  static func parse(_ text: String, in allowed: ClosedRange<Int>) -> [ClosedRange<Int>]? {
    var ranges: [ClosedRange<Int>] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last,
        allowed.contains(first), allowed.contains(last)
      else { return nil }
      ranges.append(first...last)
    }
    return ranges
  }
}
