/// A whole number as strtoll(3) reads it with base 0: `12`, ` -1`, `0x1F`, `017`. An empty text is 0.
enum PoptNumber: Hashable {
  case value(Int32)
  case tooLarge
  case notANumber

  init(_ text: [UInt8]) {
    var digits = text[...].drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
    guard !text.isEmpty else {
      self = .value(0)
      return
    }
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
    let prefix = digits.prefix(2).map { $0 | 0x20 }
    let radix = prefix == Array("0x".utf8) ? 16 : prefix.first == UInt8(ascii: "0") ? 8 : 10
    if radix == 16 { digits.removeFirst(2) }
    guard !digits.isEmpty else {
      self = .notANumber
      return
    }
    var number = 0
    for byte in digits {
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue, digit < radix else {
        self = .notANumber
        return
      }
      // Any larger number is too large, too.
      number = min(number * radix + digit, 1 << 40)
    }
    self = Int32(exactly: isNegative ? -number : number).map { .value($0) } ?? .tooLarge
  }
}
