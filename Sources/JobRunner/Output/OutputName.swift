/// The names of the files that get a worker's output: `ID.ATTEMPT.stdout` and `ID.ATTEMPT.stderr`. Whatever the item's id holds, a
/// name stays in its directory, is not hidden, is not taken for an option, and is short enough for every file system.
struct OutputName: Hashable, Sendable {
  /// The id has at most this many bytes in a name. A name has 255, and behind the id stand the attempt, what makes the name the
  /// only one, and the stream.
  private static let maxIDSize = 200
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// The name without the stream.
  let base: String

  init(_ label: OutputLabel) { base = "\(label.id.map(Self.escaped) ?? label.name).\(label.attempt)" }

  /// The name for a stream. If another file has it, `suffix` makes another one of it.
  func file(_ stream: OutputStream, suffix: UInt64? = nil) -> String {
    base + (suffix.map { "-" + String($0, radix: 16) } ?? "") + ".\(stream.rawValue)"
  }

  /// Writes each byte other than a letter, a digit or a few signs as in a URL. An id that is too long keeps its beginning, and a
  /// checksum stands for the rest.
  private static func escaped(_ id: String) -> String {
    var bytes: [UInt8] = []
    var isCut = false
    for (index, byte) in id.utf8.enumerated() {
      let coded = [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      let piece = isPlain(byte, first: index == 0) ? [byte] : coded
      isCut = bytes.count + piece.count > maxIDSize
      if isCut { break }
      bytes += piece
    }
    let text = String(decoding: bytes, as: UTF8.self)
    return isCut ? "\(text)~\(String(checksum(of: id), radix: 16))" : text
  }

  private static func isPlain(_ byte: UInt8, first: Bool) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "@"), UInt8(ascii: "+"),
      UInt8(ascii: "="), UInt8(ascii: ","):
      true
    case UInt8(ascii: "."), UInt8(ascii: "-"): !first
    default: false
    }
  }

  /// FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>), which is the same in every run.
  private static func checksum(of text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }
}
