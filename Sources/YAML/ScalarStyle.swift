/// The style in which a string must be written so that every YAML reader takes it for this string.
enum ScalarStyle: Hashable {
  case plain
  case singleQuoted
  case doubleQuoted

  /// A string is plain only if no reader of YAML 1.1 or 1.2 takes it for a number, a date, a boolean, null or YAML syntax
  /// (<https://yaml.org/type/>). Kubernetes reads YAML 1.1, in which `y`, `on` and `1_000` are not strings.
  init(for text: String) {
    if text.unicodeScalars.contains(where: { $0.properties.generalCategory.needsEscape }) {
      self = .doubleQuoted
    } else {
      self = Self.isPlain(text) ? .plain : .singleQuoted
    }
  }

  /// The words, in lower case, that some reader does not take for strings.
  private static let reservedWords: Set<String> = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity",
  ]

  private static let units: Set<Substring> = ["m", "s", "h", "Ki", "Mi", "Gi", "Ti"]

  /// Whether the text is a word, a path, an option that begins with two dashes, or a number with a unit.
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
      && !reservedWords.contains(text.lowercased())
  }
}

extension Unicode.GeneralCategory {
  /// Includes line breaks, because readers fold those in single quotes.
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
