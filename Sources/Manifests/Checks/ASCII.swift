extension UInt8 {
  var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

  /// Whether this is a lower-case letter or a digit of ASCII.
  var isLowerCaseOrDigit: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }

  /// Whether this is a letter or a digit of ASCII.
  var isAlphanumeric: Bool { isLowerCaseOrDigit || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
}
