/// SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>), and what the properties are tried on.
struct Random: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number of which small ones are as likely as large ones.
  mutating func size(upTo most: Int) -> Int {
    Int.random(in: 0...most, using: &self) >> Int.random(in: 0..<Int.bitWidth - most.leadingZeroBitCount, using: &self)
  }

  mutating func chance(_ one: Int, in count: Int) -> Bool { Int.random(in: 0..<count, using: &self) < one }

  mutating func one<Choices: Collection>(of choices: Choices) -> Choices.Element {
    guard let choice = choices.randomElement(using: &self) else { preconditionFailure("nothing to choose from") }
    return choice
  }

  /// An integer, often one at an end of its type.
  mutating func integer<Number: FixedWidthInteger>() -> Number {
    chance(1, in: 3) ? one(of: [.min, .max, 0, 1]) : Number(truncatingIfNeeded: next())
  }

  mutating func bytes(upTo most: Int) -> [UInt8] {
    (0..<size(upTo: most)).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  private static let scalars: [UnicodeScalar] = [
    "\0", "\t", "\n", "\r", " ", ",", ":", "/", "@", "%", "=", "\"", "\\", "_", "-", "\u{7F}", "\u{301}", "\u{200D}",
    "é", "\u{2028}", "\u{FEFF}", "😀", "\u{10FFFF}",
  ]

  /// Text of which letters are a half, and what has a meaning to some parser, or joins what is before it, the other.
  mutating func text(upTo most: Int) -> String {
    var text = String.UnicodeScalarView()
    for _ in 0..<size(upTo: most) {
      text.append(chance(1, in: 2) ? one(of: Self.scalars) : UnicodeScalar(UInt8.random(in: 48...122, using: &self)))
    }
    return String(text)
  }

  /// The same with something changed, left out, doubled or put in, once or more often.
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
