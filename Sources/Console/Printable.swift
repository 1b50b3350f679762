extension Unicode.Scalar {
  /// Whether the character could break a line, control a terminal, or disguise the text around it. That holds for control
  /// characters, line separators, and characters that change the direction of writing
  /// (<https://www.unicode.org/reports/tr9/#Bidirectional_Character_Types>).
  package var isUnprintable: Bool {
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: properties.isBidiControl
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
