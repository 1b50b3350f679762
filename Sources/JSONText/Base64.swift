/// Encodes and decodes base64 (RFC 4648), in which JSON strings carry bytes.
package enum Base64 {
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  /// Encodes bytes as base64 with padding (RFC 4648, section 4).
  package static func encoded(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    append(bytes, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends the same to `text`.
  package static func append(_ bytes: [UInt8], to text: inout [UInt8]) {
    text.reserveCapacity(text.count + (bytes.count + 2) / 3 * 4)
    let digits = digits
    var index = 0
    while index < bytes.count {
      let size = min(3, bytes.count - index)
      let bits =
        Int(bytes[index]) << 16 | (size > 1 ? Int(bytes[index + 1]) << 8 : 0) | (size > 2 ? Int(bytes[index + 2]) : 0)
      text.append(digits[bits >> 18])
      text.append(digits[bits >> 12 & 63])
      text.append(size > 1 ? digits[bits >> 6 & 63] : padding)
      text.append(size > 2 ? digits[bits & 63] : padding)
      index += 3
    }
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
