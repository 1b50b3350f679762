/// The progress of the work on queues, one line a queue, fitted to the width of a terminal. Where there is too little room, the
/// names are shortened first. Then whole columns are dropped, the least important ones first. A figure is never cut.
package struct DrawnProgress: Sendable {
  private static let barWidth = 10...40
  /// A name shorter than this would be hard to recognize.
  private static let shortestName = 10
  /// The same limit once only the most important columns are left.
  private static let shortestNameBesideCounts = 4
  private static let gap = "  "

  /// No line is wider than the given width.
  package let lines: [String]

  package init(_ progress: [ProgressLine], width: Int) {
    let longest = progress.map { $0.name.count }.max() ?? 0
    var rests: [String] = []
    var nameRoom = 0
    for weight in ProgressLine.Column.Weight.allCases {
      rests = progress.map { line in
        line.columns.filter { $0.weight >= weight }.map(\.text).joined(separator: Self.gap)
      }
      nameRoom = width - (rests.map(\.count).max() ?? 0) - (longest == 0 ? 0 : Self.gap.count)
      let shortest = weight < .counts ? Self.shortestName : Self.shortestNameBesideCounts
      if nameRoom >= min(longest, shortest) { break }
    }
    let nameWidth = max(0, min(longest, nameRoom))
    lines = zip(progress, rests).map { line, rest in
      let name = line.name.shortened(to: nameWidth).padded(to: nameWidth, left: false)
      let start = nameWidth == 0 ? "" : name + Self.gap
      let room = width - start.count - rest.count - "[]".count - Self.gap.count
      let bar =
        room < Self.barWidth.lowerBound
        ? "" : "[\(Self.bar(line.fraction, min(room, Self.barWidth.upperBound)))]\(Self.gap)"
      let text = start + bar + rest
      return text.count <= width ? text : ""
    }
  }

  static func bar(_ fraction: Double, _ width: Int) -> String {
    let filled = Int(fraction * Double(width))
    return String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
  }
}

extension String {
  /// The text in at most `width` characters. It keeps its beginning and its end, since that is where names differ.
  func shortened(to width: Int) -> String {
    guard count > width else { return self }
    let gap = "..."
    guard width >= gap.count + 4 else { return String(prefix(max(0, width))) }
    let end = (width - gap.count) / 2
    return prefix(width - gap.count - end) + gap + suffix(end)
  }
}
