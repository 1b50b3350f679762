import Glibc

/// Where a child writes its standard output or its standard error, if that is not this process's own.
package protocol ChildOutput: AnyObject {
  /// The end to write to, until `closeWriter`.
  var writer: Descriptor? { get }
  /// To be called once the child, or another process that starts it, has its own descriptor.
  func closeWriter()
}

/// The standard output or the standard error of a child, if this process reads it through a pipe.
package final class OutputPipe: ChildOutput {
  /// The maximum size in bytes that an unprivileged user can give a pipe (the default of /proc/sys/fs/pipe-max-size).
  private static let maxPipeSize = 1 << 20

  private var reader: Descriptor?
  package private(set) var writer: Descriptor?
  /// How many more bytes are read now that the child has ended; nil while it runs.
  private var left: Int?

  package init() throws(SystemError) { (reader, writer) = try makePipe(ours: .reading) }

  /// A read reports the end only if no process has the end to write to open.
  package func closeWriter() { writer = nil }

  /// Whether nothing more can be read.
  package var isAtEnd: Bool { reader == nil }

  /// What to wait for before the next call of `read`; nil after the end.
  package var interest: PollInterest? {
    reader.map { PollInterest(descriptor: $0.number, readable: true, writable: false) }
  }

  /// Reads the available bytes, as many as fit the buffer. Returns their number, which may be 0.
  package func read(into buffer: inout [UInt8]) throws(SystemError) -> Int {
    guard let reader else { return 0 }
    switch try reader.read(into: &buffer) {
    case .bytes(let count):
      guard let left else { return count }
      self.left = left - count
      if count >= left { self.reader = nil }
      return min(count, left)
    case .ended: self.reader = nil
    case .wouldBlock: if left != nil { self.reader = nil }
    }
    return 0
  }

  /// The child has ended. What is in the pipe by now can still be read. Other processes may have the pipe open: what they
  /// write later is lost.
  package func childEnded() {
    guard let reader else { return }
    var count: Int32 = 0
    let isKnown = ioctl(reader.number, UInt(FIONREAD), &count) == 0
    left = isKnown ? Int(count) : Self.maxPipeSize
    if left == 0 { self.reader = nil }
  }
}
