import Glibc

/// Forwards what child processes write to the standard error of this process, without ever blocking.
package struct StandardErrorRelay {
  /// The maximum number of bytes that are buffered for a slow reader. Bytes beyond it are dropped.
  private static let maxPendingSize = 1 << 20

  private var pending: ArraySlice<UInt8> = []

  package init() {}

  /// Whether nothing is buffered.
  package var isIdle: Bool { pending.isEmpty }

  /// What to wait for before the next call of `write`; nil if nothing is buffered.
  package var interest: PollInterest? {
    isIdle ? nil : PollInterest(descriptor: STDERR_FILENO, readable: false, writable: true)
  }

  /// Takes bytes to forward, and writes as many as possible now.
  package mutating func append(_ bytes: ArraySlice<UInt8>) {
    pending += bytes.prefix(max(0, Self.maxPendingSize - pending.count))
    write()
  }

  /// Writes as much as possible now, in blocks that a pipe accepts whole (PIPE_BUF). If standard error fails, because it
  /// has no reader or its disk is full, everything that is buffered is dropped.
  package mutating func write() {
    while !isIdle {
      var entry = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
      guard Glibc.poll(&entry, 1, 0) > 0 else { return }
      let count = retryingOnInterrupt {
        pending.prefix(4096).withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      }
      if count < 0, errno == EAGAIN { return }
      guard count > 0 else { break }
      pending.removeFirst(count)
    }
    // Removing bytes from the front does not release their memory.
    pending = []
  }
}
