import Glibc

/// The standard error of a child, if this process reads it through a pipe.
package final class ChildErrorOutput {
  /// The maximum size in bytes that an unprivileged user can give a pipe (the default of /proc/sys/fs/pipe-max-size).
  private static let maxPipeSize = 1 << 20

  private var readEnd: Descriptor?
  private var writeEnd: Descriptor?

  package init() throws(SystemError) { (readEnd, writeEnd) = try makePipe(ours: .reading) }

  /// The descriptor for the child's standard error.
  var writeEndNumber: Int32 { writeEnd?.number ?? -1 }

  /// The end to write to, for another process that starts the child.
  package var passedEnd: Descriptor? { writeEnd }

  /// To be called once the child has its own copy. A read reports the end only if no process has the write end open.
  package func closeWriteEnd() { writeEnd = nil }

  /// What to wait for before the next call of `read`; nil after the end.
  package var interest: PollInterest? {
    readEnd.map { PollInterest(descriptor: $0.number, readable: true, writable: false) }
  }

  /// Reads the available bytes, as many as fit the buffer. Returns their number, which may be 0.
  package func read(into buffer: inout [UInt8]) throws(SystemError) -> Int {
    switch try readEnd?.read(into: &buffer) {
    case .bytes(let count): return count
    case .ended:
      readEnd = nil
      return 0
    case .wouldBlock, nil: return 0
    }
  }

  /// Passes the bytes that are left in the pipe to `take`, and closes the pipe. To be called once the child has ended. It
  /// does not wait for other processes that have the pipe open, and what they write later is lost.
  package func finish(with buffer: inout [UInt8], _ take: (ArraySlice<UInt8>) -> Void) throws(SystemError) {
    defer { readEnd = nil }
    var left = Self.maxPipeSize
    while left > 0 {
      let count = try read(into: &buffer)
      guard count > 0 else { return }
      take(buffer[..<count])
      left -= count
    }
  }
}
