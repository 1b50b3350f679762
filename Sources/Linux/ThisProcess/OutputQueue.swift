import Glibc

/// What is to be written to a standard stream of this process, without ever waiting for its reader.
package struct OutputQueue {
  package enum Stream: Hashable, Sendable {
    case output
    case error

    fileprivate var number: Int32 {
      switch self {
      case .output: STDOUT_FILENO
      case .error: STDERR_FILENO
      }
    }

    /// Whether this process was started without it.
    fileprivate var isClosed: Bool {
      switch self {
      case .output: ThisProcess.isOutputClosed
      case .error: ThisProcess.isErrorClosed
      }
    }
  }

  /// The most that a pipe accepts whole (PIPE_BUF).
  private static let blockSize = 4096

  private let stream: Stream
  private var pending: ArraySlice<[UInt8]> = []
  /// The rest of what is being written.
  private var current: ArraySlice<UInt8> = []
  /// The number of bytes that are not written yet.
  package private(set) var byteCount = 0

  package init(to stream: Stream) { self.stream = stream }

  package var isEmpty: Bool { byteCount == 0 }

  /// What to wait for before the next call of `write`; nil if nothing is left to write.
  package var interest: PollInterest? {
    isEmpty ? nil : PollInterest(descriptor: stream.number, readable: false, writable: true)
  }

  package mutating func append(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    pending.append(bytes)
    byteCount += bytes.count
  }

  /// Writes what the stream has room for, in blocks that a pipe accepts whole. A line that fits into a block is not divided.
  package mutating func write() throws(SystemError) {
    guard !isEmpty else { return }
    // If it was closed, `prepare` has opened /dev/null instead.
    guard !stream.isClosed else { throw SystemError(call: "write", code: EBADF) }
    while let block = nextBlock {
      var entry = pollfd(fd: stream.number, events: Int16(POLLOUT), revents: 0)
      guard Glibc.poll(&entry, 1, 0) > 0 else { return }
      let count = retryingOnInterrupt { block.withUnsafeBytes { Glibc.write(stream.number, $0.baseAddress, $0.count) } }
      if count < 0, errno == EAGAIN { return }
      guard count > 0 else { throw SystemError("write") }
      current.removeFirst(count)
      byteCount -= count
    }
    clear()
  }

  private var nextBlock: ArraySlice<UInt8>? {
    mutating get {
      if current.isEmpty { current = pending.popFirst()?[...] ?? [] }
      let block = current.prefix(Self.blockSize)
      guard block.count < current.count, let end = block.lastIndex(of: UInt8(ascii: "\n")) else {
        return block.isEmpty ? nil : block
      }
      return block[...end]
    }
  }

  /// Drops what is not written yet, and releases its memory.
  package mutating func clear() { (pending, current, byteCount) = ([], [], 0) }
}
