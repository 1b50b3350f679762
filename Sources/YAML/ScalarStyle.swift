/// How a string has to be written so that every reader of YAML takes it for that string.
enum ScalarStyle: Hashable {
  case plain
  case singleQuoted
  case doubleQuoted

  /// Plain only what cannot be a number, date, boolean, null or a mark of YAML to any reader of 1.1 or 1.2
  /// (<https://yaml.org/type/>): Kubernetes itself reads 1.1, where `y`, `on` and `1_000` are no strings.
  init(for text: String) {
    if text.unicodeScalars.contains(where: { $0.properties.generalCategory.needsEscape }) {
      self = .doubleQuoted
    } else {
      self = Self.isPlain(text) ? .plain : .singleQuoted
    }
  }

  private static let otherWords: Set<String> = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity",
  ]

  private static let units: Set<Substring> = ["m", "s", "h", "Ki", "Mi", "Gi", "Ti"]

  /// A word or a path, perhaps with the two dashes of an option before it; or an amount with its unit.
  private static func isPlain(_ text: String) -> Bool {
    let number = text.prefix { $0.isASCII && $0.isNumber }
    if !number.isEmpty { return units.contains(text[number.endIndex...]) }
    if text == "--" { return true }
    var word = Substring(text)
    for prefix in ["--", "./", "/"] where word.hasPrefix(prefix) {
      word = word.dropFirst(prefix.count)
      break
    }
    guard let first = word.utf8.first, first.isLetter else { return false }
    return text.utf8.allSatisfy { $0.isLetter || $0.isDigit || "-_./:=@+".utf8.contains($0) } && !text.hasSuffix(":")
      && !otherWords.contains(text.lowercased())
  }
}

extension Unicode.GeneralCategory {
  /// Line breaks among them: in single quotes they are folded.
  fileprivate var needsEscape: Bool {
    switch self {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: true
    default: false
    }
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
  fileprivate var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }
}
