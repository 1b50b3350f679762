extension Unicode.Scalar {
  /// Whether the character could break a line, control a terminal, or disguise the text around it. That holds for control
  /// characters, line separators, and characters that change the direction of writing
  /// (<https://www.unicode.org/reports/tr9/#Bidirectional_Character_Types>). A look at the standard library's tables would take
  /// longer than all else that is done to a character of a worker's output.
  package var isUnprintable: Bool {
    switch value {
    case 0..<0x20, 0x7F...0x9F, 0x61C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}

extension String {
  /// The text with a space in place of each unprintable character. Text from outside is printed only in this form.
  package var printable: String {
    if utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return self }
    return String(String.UnicodeScalarView(unicodeScalars.map { $0.isUnprintable ? " " : $0 }))
  }
}
