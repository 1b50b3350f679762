package import Linux

/// The bytes of one item, in memory or, where they are many, in a file.
package enum ItemBody: BodySource {
  case memory([UInt8])
  /// Precondition: it is complete.
  case file(SpoolFile)

  package var size: UInt64 {
    switch self {
    case .memory(let bytes): UInt64(bytes.count)
    case .file(let file): file.size
    }
  }

  /// - Throws: `SystemError`
  package func read(at offset: UInt64, atMost count: Int) throws -> [UInt8] {
    switch self {
    case .memory(let bytes): Array(bytes.dropFirst(Int(clamping: offset)).prefix(max(0, count)))
    case .file(let file): try file.read(at: offset, count: count)
    }
  }
}
