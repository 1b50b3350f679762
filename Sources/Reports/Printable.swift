extension Unicode.Scalar {
  /// Whether it could break a line, speak to a terminal, or make text look like another one: controls, separators of
  /// lines, and what changes the direction of writing (<https://www.unicode.org/reports/tr9/#Bidirectional_Character_Types>).
  package var isUnprintable: Bool {
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: properties.isBidiControl
    }
  }
}

extension String {
  /// What came from elsewhere must not do any of that: a space stands in its place.
  package var printable: String {
    if utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return self }
    return String(String.UnicodeScalarView(unicodeScalars.map { $0.isUnprintable ? " " : $0 }))
  }
}
