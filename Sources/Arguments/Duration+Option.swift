/// Durations as the values of options.
extension Duration {
  /// Reads a duration as `timeout` and Kubernetes write it: `500ms`, `30s`, `10m`, `2h`; a number alone is seconds. At most
  /// 1,000,000,000 hours, rounded to whole milliseconds; but what is more than nothing stays so.
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
    // A Double tells all milliseconds of that range apart; of seconds in one, parts would be lost.
    guard let value = Double(number), value * unit <= 3.6e15 else { return nil }
    self = .milliseconds(value > 0 ? max(1, Int64((value * unit).rounded())) : 0)
  }

  /// What is less than a millisecond is left out.
  package var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }

  /// To be read as that again: `90s`, `1500ms`. What is less than a millisecond is left out.
  package var text: String {
    let milliseconds = wholeMilliseconds
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
  }
}
