/// Encodes and decodes base64 (RFC 4648), in which JSON strings carry bytes.
package enum Base64 {
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

  /// Encodes bytes as base64 with padding (RFC 4648, section 4).
  package static func encoded(_ bytes: [UInt8]) -> String {
    var text = ""
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for index in 0...3 { text.append(index <= group.count ? digits[bits >> (18 - 6 * index) & 63] : "=") }
    }
    return text
  }

  /// Decodes base64 with padding (RFC 4648, section 4). nil if the text is invalid.
  package static func decoded(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 4 == 0 else { return nil }
    let padding = digits.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
    return decoded(digits.dropLast(padding), (UInt8(ascii: "+"), UInt8(ascii: "/")))
  }

  /// Decodes base64url without padding (RFC 4648, section 5), which tokens use. nil if the text is invalid.
  package static func decodedURL(_ text: some Sequence<UInt8>) -> [UInt8]? {
    let digits = Array(text)
    return digits.count % 4 == 1 ? nil : decoded(digits[...], (UInt8(ascii: "-"), UInt8(ascii: "_")))
  }

  /// `last` are the digits with the values 62 and 63.
  private static func decoded(_ digits: ArraySlice<UInt8>, _ last: (UInt8, UInt8)) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    for (index, digit) in digits.enumerated() {
      guard let value = value(of: digit, last) else { return nil }
      bits = bits << 6 | value
      if index % 4 > 0 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(6 - 2 * (index % 4)))) }
    }
    return bytes
  }

  private static func value(of digit: UInt8, _ last: (UInt8, UInt8)) -> UInt32? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
    case last.0: 62
    case last.1: 63
    default: nil
    }
  }
}
