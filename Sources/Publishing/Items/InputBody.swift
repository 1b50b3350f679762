internal import Broker
internal import Linux

/// The body of an item that was read from the input.
enum InputBody: MessageBody {
  case memory([UInt8])
  case file(InputFile)
  case temporary(TemporaryFile)

  var size: UInt64 {
    switch self {
    case .memory(let bytes): UInt64(bytes.count)
    case .file(let file): file.size
    case .temporary(let file): file.size
    }
  }

  var isOpenFile: Bool {
    if case .memory = self { false } else { true }
  }

  /// Whether the body is sent in pieces, as there is room for them. Other bodies are sent together with their headers.
  var isSentInPieces: Bool { isOpenFile || size > UInt64(BrokerLink.bodyPieceSize) }

  func read(at offset: UInt64, atMost count: Int) throws -> [UInt8] {
    switch self {
    case .memory(let bytes): Array(bytes.dropFirst(Int(clamping: offset)).prefix(max(0, count)))
    case .file(let file): try file.read(at: offset, atMost: count)
    case .temporary(let file): try file.read(at: offset, atMost: count)
    }
  }
}
