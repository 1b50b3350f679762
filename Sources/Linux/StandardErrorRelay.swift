import Glibc

/// Hands on to our own standard error what others wrote, without ever waiting for room there.
package struct StandardErrorRelay {
  /// How much waits at most for somebody who reads nothing. What comes then is lost.
  private static let mostWaiting = 1 << 20

  private var waiting: ArraySlice<UInt8> = []

  package init() {}

  /// Nothing waits for room.
  package var isIdle: Bool { waiting.isEmpty }

  /// What to wait for, while something waits for room.
  package var interest: PollInterest? {
    isIdle ? nil : PollInterest(descriptor: STDERR_FILENO, readable: false, writable: true)
  }

  /// Takes what is to be handed on, and writes what there is room for.
  package mutating func append(_ bytes: ArraySlice<UInt8>) {
    waiting += bytes.prefix(max(0, Self.mostWaiting - waiting.count))
    write()
  }

  /// Writes what there is room for, in pieces that a pipe takes whole (PIPE_BUF). What standard error does not take at all, since
  /// nobody reads it or its disk is full, is lost.
  package mutating func write() {
    while !isIdle {
      var entry = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
      guard Glibc.poll(&entry, 1, 0) > 0 else { return }
      let count = retrying {
        waiting.prefix(4096).withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      }
      if count < 0, errno == EAGAIN { return }
      guard count > 0 else { break }
      waiting.removeFirst(count)
    }
    // It would else keep the room of all that went through it.
    waiting = []
  }
}
