internal import Broker
internal import Console
internal import JSONText
internal import Linux

/// The lines that a worker reads of its batch. What is too much for memory goes into a file without a name.
struct InputText {
  /// How much of a body is in memory at a time, in bytes. It is a multiple of 3, as three bytes become four in base64.
  private static let pieceSize = 49_152

  private let spooling: BatchInput.Spooling
  private var bytes: [UInt8] = []
  private var file: TemporaryFile?

  init(_ spooling: BatchInput.Spooling) { self.spooling = spooling }

  private mutating func append(_ more: some Collection<UInt8>) throws(SystemError) {
    bytes += more
    guard bytes.count > spooling.largestInMemory else { return }
    let file = if let file { file } else { try makeFile() }
    try file.append(bytes)
    bytes = []
  }

  private mutating func makeFile() throws(SystemError) -> TemporaryFile {
    let file = try TemporaryFile(in: spooling.directory)
    self.file = file
    return file
  }

  /// A body, and a newline after it.
  mutating func append(line body: ReceivedBody) throws(SystemError) {
    for piece in body.offsets(by: Self.pieceSize) { try append(body.read(at: piece, atMost: Self.pieceSize)) }
    try append("\n".utf8)
  }

  /// The item as a JSON object on one line, in the form that `publish --jsonl` reads.
  mutating func append(_ item: WorkItem, _ body: ReceivedBody) throws(SystemError) {
    try append("\(item.publishableJSON)".utf8.dropLast())
    if try body.isText(by: Self.pieceSize) { try append(text: body) } else { try append(base64: body) }
    try append("\"}\n".utf8)
  }

  private mutating func append(text body: ReceivedBody) throws(SystemError) {
    try append(#","body":""#.utf8)
    var pieces = TextPieces(body, by: Self.pieceSize)
    while let piece = try pieces.next() {
      var quoted: [UInt8] = []
      quoted.append(jsonString: piece)
      try append(quoted.dropFirst().dropLast())
    }
  }

  private mutating func append(base64 body: ReceivedBody) throws(SystemError) {
    try append(#","body_base64":""#.utf8)
    for offset in body.offsets(by: Self.pieceSize) {
      var text: [UInt8] = []
      Base64.append(try body.read(at: offset, atMost: Self.pieceSize), to: &text)
      try append(text)
    }
  }

  /// - Throws: `SystemError`
  consuming func makeInput(_ processes: ProcessGroups) throws -> ChildInput {
    guard let file else { return try processes.makeInput(bytes) }
    try file.append(bytes)
    return try processes.makeInput(file)
  }
}

/// Reads a body in pieces that split no character of UTF-8.
private struct TextPieces {
  private let body: ReceivedBody
  private let size: Int
  private var offset: UInt64 = 0

  init(_ body: ReceivedBody, by size: Int) { (self.body, self.size) = (body, size) }

  /// nil at the end.
  mutating func next() throws(SystemError) -> [UInt8]? {
    guard offset < body.size else { return nil }
    var piece = try body.read(at: offset, atMost: size)
    if offset + UInt64(piece.count) < body.size { piece.removeLast(piece.begunCharacterSize) }
    offset += UInt64(piece.count)
    return piece
  }
}

extension [UInt8] {
  /// The size of the character in UTF-8 that begins at the end and is not complete; 0 if there is none.
  fileprivate var begunCharacterSize: Int {
    for size in 1...3 where size < count {
      switch self[count - size] {
      case 0x80..<0xC0: continue
      case 0xC0..<0xE0: return size < 2 ? size : 0
      case 0xE0..<0xF0: return size < 3 ? size : 0
      case 0xF0...: return size
      default: return 0
      }
    }
    return 0
  }
}

extension ReceivedBody {
  fileprivate func offsets(by size: Int) -> StrideTo<UInt64> { stride(from: 0, to: self.size, by: size) }

  fileprivate func isText(by size: Int) throws(SystemError) -> Bool {
    var pieces = TextPieces(self, by: size)
    while let piece = try pieces.next() {
      guard (try? UTF8Span(validating: piece.span)) != nil else { return false }
    }
    return true
  }

  func holdsNewline() throws(SystemError) -> Bool {
    for offset in offsets(by: 65_536) {
      if try read(at: offset, atMost: 65_536).contains(UInt8(ascii: "\n")) { return true }
    }
    return false
  }
}
