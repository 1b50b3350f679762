import TestSupport

/// Functions that make random input.
extension Random {
  /// A number from 0 to `max`. Small numbers are as likely as large ones.
  mutating func size(upTo max: Int) -> Int {
    Int.random(in: 0...max, using: &self) >> Int.random(in: 0..<Int.bitWidth - max.leadingZeroBitCount, using: &self)
  }

  mutating func one<Choices: Collection>(of choices: Choices) -> Choices.Element {
    guard let choice = choices.randomElement(using: &self) else { preconditionFailure("nothing to choose from") }
    return choice
  }

  /// An integer, which is often the minimum, the maximum, 0 or 1.
  mutating func integer<Number: FixedWidthInteger>() -> Number {
    chance(1, in: 3) ? one(of: [.min, .max, 0, 1]) : Number(truncatingIfNeeded: next())
  }

  mutating func bytes(upTo max: Int) -> [UInt8] {
    (0..<size(upTo: max)).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  private static let scalars: [UnicodeScalar] = [
    "\0", "\t", "\n", "\r", " ", ",", ":", "/", "@", "%", "=", "\"", "\\", "_", "-", "\u{7F}", "\u{301}", "\u{200D}",
    "é", "\u{2028}", "\u{FEFF}", "😀", "\u{10FFFF}",
  ]

  /// A text of up to `max` scalars. One half are printable ASCII. The others are separators, control characters, combining
  /// marks and the like, which parsers handle in a special way.
  mutating func text(upTo max: Int) -> String {
    var text = String.UnicodeScalarView()
    for _ in 0..<size(upTo: max) {
      text.append(chance(1, in: 2) ? one(of: Self.scalars) : UnicodeScalar(UInt8.random(in: 48...122, using: &self)))
    }
    return String(text)
  }

  /// Changes, removes, duplicates or inserts some bytes, at one or more places.
  mutating func damage<Bytes: RangeReplaceableCollection & RandomAccessCollection & MutableCollection>(
    _ bytes: inout Bytes
  ) where Bytes.Element == UInt8, Bytes.Index == Int {
    for _ in 0...size(upTo: 8) {
      let start = Int.random(in: 0...bytes.count, using: &self)
      let end = min(bytes.count, start + size(upTo: 16))
      switch Int.random(in: 0..<6, using: &self) {
      case 0: bytes.removeSubrange(start..<end)
      case 1: bytes.insert(contentsOf: Array(bytes[start..<end]), at: start)
      case 2: bytes.insert(UInt8(truncatingIfNeeded: next()), at: start)
      case 3 where start < bytes.count: bytes[start] = one(of: [0, 1, 0x7F, 0x80, 0xFF])
      case 4 where start < bytes.count: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &self)
      default: if start < bytes.count { bytes[start] = UInt8(truncatingIfNeeded: next()) }
      }
    }
  }

  mutating func damaged(_ text: String) -> String {
    var bytes = Array(text.utf8)
    damage(&bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
