/// How many values a JSON text has, at most. A parsed value takes far more memory than its text, so a text of a stranger is
/// measured before it is parsed.
enum JSONSize {
  /// Whether the text has at most this many values. It need not be valid.
  static func isWithin(_ limit: Int, _ text: [UInt8]) -> Bool {
    guard text.count > limit else { return true }
    var count = 1
    var isInString = false
    var isEscaped = false
    for byte in text {
      if isEscaped {
        isEscaped = false
      } else if isInString {
        isEscaped = byte == UInt8(ascii: "\\")
        isInString = byte != UInt8(ascii: "\"")
      } else {
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: ":"): count += 1
        default: break
        }
      }
    }
    return count <= limit
  }
}
