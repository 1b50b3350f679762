/// Durations as the values of options.
extension Duration {
  /// Reads a duration as `timeout` and Kubernetes write it: `500ms`, `30s`, `10m`, `2h`; a number alone is seconds.
  public init?(parsing text: String) {
    let number = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
    guard let value = Double(number), value <= 1_000_000_000 else { return nil }
    switch text.dropFirst(number.count) {
    case "ms": self = .milliseconds(value)
    case "s", "": self = .seconds(value)
    case "m": self = .seconds(value * 60)
    case "h": self = .seconds(value * 3600)
    default: return nil
    }
  }

  /// To be read as that again: `90s`, `1500ms`. What is less than a millisecond is left out.
  public var text: String {
    let milliseconds = Int(self / .milliseconds(1))
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
  }
}
