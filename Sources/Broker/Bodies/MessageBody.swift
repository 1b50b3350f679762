/// The body of a message that is to be published. It is read in pieces, as fast as the broker takes them.
package protocol MessageBody {
  var size: UInt64 { get }

  /// The number of bytes that can be read so far. It is less than `size` only while the body is still arriving.
  var availableSize: UInt64 { get }

  /// Reads up to `count` bytes from `offset` on.
  func read(at offset: UInt64, atMost count: Int) throws -> [UInt8]
}

extension MessageBody {
  package var availableSize: UInt64 { size }
}
