/// Bytes in JSON's strings (RFC 4648).
package enum Base64 {
  /// Section 4; nil for what is none.
  package static func decoded(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 4 == 0 else { return nil }
    let padding = digits.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
    return decoded(digits.dropLast(padding), (UInt8(ascii: "+"), UInt8(ascii: "/")))
  }

  /// Section 5, "base64url", without padding, as tokens have it; nil for what is none.
  package static func decodedURL(_ text: some Sequence<UInt8>) -> [UInt8]? {
    let digits = Array(text)
    return digits.count % 4 == 1 ? nil : decoded(digits[...], (UInt8(ascii: "-"), UInt8(ascii: "_")))
  }

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

  /// `last` are the digits for 62 and 63.
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
