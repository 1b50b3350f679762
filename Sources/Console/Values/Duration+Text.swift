extension Duration {
  /// Reads a duration as timeout(1) and Kubernetes write it: `500ms`, `30s`, `10m`, `2h`. A number without a unit is seconds.
  /// The duration may be at most 1,000,000,000 hours. It is rounded to whole milliseconds, but never down to zero.
  package init?(parsing text: String) {
    let number = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
    let unit: Double
    switch text.dropFirst(number.count) {
    case "ms": unit = 1
    case "s", "": unit = 1000
    case "m": unit = 60_000
    case "h": unit = 3_600_000
    default: return nil
    }
    // A Double holds every whole number of milliseconds in this range exactly. Counted in seconds, fractions would be lost.
    guard let value = Double(number), value * unit <= 3.6e15 else { return nil }
    self = .milliseconds(value > 0 ? max(1, Int64((value * unit).rounded())) : 0)
  }

  /// The duration in whole milliseconds. Fractions of a millisecond are dropped.
  package var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }

  /// What stands for a time without a limit: 136 years.
  package static let unlimited: Duration = .seconds(UInt32.max)

  /// The duration as the end of "trying for ...".
  package var limitText: String { self < .unlimited ? text : "as long as it takes" }

  /// The duration in a form that `init(parsing:)` reads: `90s`, `1500ms`. Fractions of a millisecond are dropped.
  package var text: String {
    let milliseconds = wholeMilliseconds
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
  }
}
