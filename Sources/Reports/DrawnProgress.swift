/// Lines about the work on queues, one below the other, in the width of a terminal. A figure is there whole or not at all: where
/// there is too little room, the names are shortened first, and then columns go, those first that matter least.
package struct DrawnProgress: Sendable {
  private static let barWidth = 10...40
  /// A shorter name would hardly be known again.
  private static let shortestName = 10
  /// The same beside the figures without which there would be no line.
  private static let leastName = 4
  private static let gap = "  "

  /// None is wider than asked for.
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
      let least = weight < .counts ? Self.shortestName : Self.leastName
      if nameRoom >= min(longest, least) { break }
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
  /// At most so many characters of it: the beginning and the end, for names that differ do so there.
  func shortened(to width: Int) -> String {
    guard count > width else { return self }
    let gap = "..."
    guard width >= gap.count + 4 else { return String(prefix(max(0, width))) }
    let end = (width - gap.count) / 2
    return prefix(width - gap.count - end) + gap + suffix(end)
  }
}
