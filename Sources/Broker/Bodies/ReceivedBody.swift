package import Linux

/// The complete body of a received message. A large body is in a file.
package enum ReceivedBody: MessageBody {
  case memory([UInt8])
  /// Precondition: The file is complete.
  case file(SpoolFile)

  package var size: UInt64 {
    switch self {
    case .memory(let bytes): UInt64(bytes.count)
    case .file(let file): file.size
    }
  }

  package func read(at offset: UInt64, atMost count: Int) throws(SystemError) -> [UInt8] {
    switch self {
    case .memory(let bytes): Array(bytes.dropFirst(Int(clamping: offset)).prefix(max(0, count)))
    case .file(let file): try file.read(at: offset, count: count)
    }
  }
}
