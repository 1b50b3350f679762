import Glibc

/// What is to be written to standard output, without ever waiting for its reader.
package struct OutputQueue {
  private var pending: ArraySlice<[UInt8]> = []
  /// The rest of what is being written.
  private var current: ArraySlice<UInt8> = []
  /// The number of bytes that are not written yet.
  package private(set) var byteCount = 0

  package init() {}

  package var isEmpty: Bool { byteCount == 0 }

  /// What to wait for before the next call of `write`; nil if nothing is left to write.
  package var interest: PollInterest? {
    isEmpty ? nil : PollInterest(descriptor: STDOUT_FILENO, readable: false, writable: true)
  }

  package mutating func append(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    pending.append(bytes)
    byteCount += bytes.count
  }

  /// Writes what standard output has room for, in blocks that a pipe accepts whole (PIPE_BUF).
  package mutating func write() throws(SystemError) {
    guard !isEmpty else { return }
    // If it was closed, `prepare` has opened /dev/null instead.
    guard !ThisProcess.isOutputClosed else { throw SystemError(call: "write", code: EBADF) }
    while let block = nextBlock {
      var entry = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
      guard Glibc.poll(&entry, 1, 0) > 0 else { return }
      let count = retryingOnInterrupt { block.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) } }
      if count < 0, errno == EAGAIN { return }
      guard count >= 0 else { throw SystemError("write") }
      current.removeFirst(count)
      byteCount -= count
    }
    // Removing bytes from the front does not release their memory.
    (pending, current) = ([], [])
  }

  private var nextBlock: ArraySlice<UInt8>? {
    mutating get {
      if current.isEmpty { current = pending.popFirst()?[...] ?? [] }
      return current.isEmpty ? nil : current.prefix(4096)
    }
  }
}
