extension [UInt8] {
  /// Appends text in UTF-8, which has to be valid, as a JSON string. What needs no escape is copied in one piece.
  package mutating func append(jsonString text: [UInt8]) {
    append(UInt8(ascii: "\""))
    var (start, index) = (0, 0)
    while index < text.count {
      guard text[index].mayNeedEscape, let (scalar, size) = text.scalar(at: index) else {
        index += 1
        continue
      }
      if let escape = scalar.jsonEscape {
        self += text[start..<index]
        self += escape.utf8
        start = index + size
      }
      index += size
    }
    self += text[start...]
    append(UInt8(ascii: "\""))
  }

  /// The character that begins here, and its size, if it has at most three bytes.
  private func scalar(at index: Int) -> (Unicode.Scalar, size: Int)? {
    let size = self[index] < 0x80 ? 1 : self[index] < 0xE0 ? 2 : 3
    guard index + size <= count else { return nil }
    let first = UInt32(self[index]) & [0x7F, 0x1F, 0x0F][size - 1]
    let value = self[(index + 1)..<(index + size)].reduce(first) { $0 << 6 | UInt32($1 & 0x3F) }
    return Unicode.Scalar(value).map { ($0, size) }
  }
}

extension UInt8 {
  /// Whether a character may need an escape that begins with this byte in UTF-8. Text mostly consists of others.
  fileprivate var mayNeedEscape: Bool {
    switch self {
    case 0..<0x20, 0x22, 0x5C, 0x7F, 0xC2, 0xD8, 0xE2: true
    default: false
    }
  }
}

extension Unicode.Scalar {
  /// What stands for the character in a JSON string; nil if it stands for itself.
  fileprivate var jsonEscape: String? {
    switch self {
    case "\"", "\\": return "\\\(self)"
    case "\n": return "\\n"
    case _ where isUnprintable:
      let digits = String(value, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: return nil
    }
  }
}
