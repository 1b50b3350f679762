import Glibc

/// What a child writes to its standard error, where that is not ours: bytes on their way through a pipe.
package final class ChildErrors {
  /// More than a pipe holds that its user has not enlarged beyond what Linux lets him (`pipe-max-size`).
  private static let mostInPipe = 1 << 20

  private var readEnd: Descriptor?
  private var writeEnd: Descriptor?

  /// - Throws: `SystemError`
  init() throws { (readEnd, writeEnd) = try makePipe(ours: .reading) }

  /// What becomes the child's standard error.
  var writeEndNumber: Int32 { writeEnd?.number ?? -1 }

  /// The child has the end now; only without ours does a read show that nobody writes any more.
  func closeWriteEnd() { writeEnd = nil }

  /// What to wait for, while somebody may still write.
  package var interest: PollInterest? {
    readEnd.map { PollInterest(descriptor: $0.number, readable: true, writable: false) }
  }

  /// Reads what has come, as far as the buffer has room, and says how much that is.
  /// - Throws: `SystemError`
  package func read(into buffer: inout [UInt8]) throws -> Int {
    switch try readEnd?.read(into: &buffer) {
    case .bytes(let count): return count
    case .ended:
      readEnd = nil
      return 0
    case .wouldBlock, nil: return 0
    }
  }

  /// The child has ended: hands on what it left in the pipe, and closes that. Others that still have it open are not waited for, and
  /// what they write from now on nobody reads.
  /// - Throws: `SystemError`
  package func finish(with buffer: inout [UInt8], _ take: (ArraySlice<UInt8>) -> Void) throws {
    defer { readEnd = nil }
    var left = Self.mostInPipe
    while left > 0 {
      let count = try read(into: &buffer)
      guard count > 0 else { return }
      take(buffer[..<count])
      left -= count
    }
  }
}
