/// Cuts a stream into lines, in whatever portions it comes.
struct LineCutter: Hashable, Sendable {
  /// A line, or a part of one that is too long, without its newline.
  struct Line: Hashable, Sendable {
    var bytes: [UInt8]
    /// The rest of the line follows as another one.
    var isContinued: Bool
  }

  /// A longer line is cut into parts of at most so many bytes.
  static let maxSize = 65_536
  private static let newline = UInt8(ascii: "\n")

  private let maxSize: Int
  private var rest: [UInt8] = []

  init(maxSize: Int = Self.maxSize) { self.maxSize = maxSize }

  /// Takes the next bytes of the stream. Returns the lines that they complete.
  mutating func append(_ bytes: ArraySlice<UInt8>) -> [Line] {
    var lines: [Line] = []
    var bytes = bytes
    while let end = bytes.firstIndex(of: Self.newline) {
      add(bytes[..<end], &lines)
      lines.append(Line(bytes: rest, isContinued: false))
      rest = []
      bytes = bytes[(end + 1)...]
    }
    add(bytes, &lines)
    return lines
  }

  /// The stream has ended. Returns the last line if it had no newline.
  mutating func finish() -> Line? {
    defer { rest = [] }
    return rest.isEmpty ? nil : Line(bytes: rest, isContinued: false)
  }

  private mutating func add(_ bytes: ArraySlice<UInt8>, _ lines: inout [Line]) {
    var bytes = bytes
    while rest.count + bytes.count > maxSize {
      let part = bytes.prefix(maxSize - rest.count)
      rest += part
      bytes = bytes.dropFirst(part.count)
      let cut = rest.count - rest.incompleteCharacterSize
      lines.append(Line(bytes: Array(rest[..<cut]), isContinued: true))
      rest.removeFirst(cut)
    }
    rest += bytes
  }
}

extension [UInt8] {
  /// The number of bytes at the end that begin a character of UTF-8 and do not complete it.
  fileprivate var incompleteCharacterSize: Int {
    for size in 1...3 where size < count {
      switch self[count - size] {
      case 0x80...0xBF: continue
      case 0xC2...0xDF: return size < 2 ? size : 0
      case 0xE0...0xEF: return size < 3 ? size : 0
      case 0xF0...0xF4: return size
      default: return 0
      }
    }
    return 0
  }
}
