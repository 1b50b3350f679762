import Glibc

/// Forwards what child processes write to a standard stream of this process, without ever blocking.
package struct OutputRelay {
  /// Once so many bytes are buffered for a slow reader, no more are taken.
  private static let maxPendingSize = 1 << 20
  /// The most that a pipe accepts whole (PIPE_BUF).
  private static let blockSize = 4096

  package enum Stream: Hashable, Sendable {
    case output
    case error

    fileprivate var number: Int32 {
      switch self {
      case .output: STDOUT_FILENO
      case .error: STDERR_FILENO
      }
    }
  }

  /// Bytes that were dropped because the stream takes none.
  package struct Failure {
    package let error: SystemError
    /// The number of bytes that had been written before.
    package let writtenCount: UInt64
  }

  private let descriptor: Int32
  private var pending: ArraySlice<UInt8> = []
  private var failure: Failure?
  /// The number of bytes that were taken.
  package private(set) var takenCount: UInt64 = 0

  package init(to stream: Stream) { descriptor = stream.number }

  /// Whether both streams lead to the same file, pipe or terminal.
  package static var streamsAreOne: Bool {
    var (output, error) = (stat(), stat())
    guard fstat(STDOUT_FILENO, &output) == 0, fstat(STDERR_FILENO, &error) == 0 else { return false }
    return output.st_dev == error.st_dev && output.st_ino == error.st_ino
  }

  /// Whether nothing is buffered.
  package var isIdle: Bool { pending.isEmpty }

  /// The number of bytes that are no longer buffered.
  package var writtenCount: UInt64 { takenCount - UInt64(pending.count) }

  /// What to wait for before the next call of `write`; nil if nothing is buffered.
  package var interest: PollInterest? {
    isIdle ? nil : PollInterest(descriptor: descriptor, readable: false, writable: true)
  }

  /// Takes bytes to forward, and writes as many as possible now. Drops the bytes if too many are buffered.
  package mutating func append(_ bytes: ArraySlice<UInt8>) {
    guard !bytes.isEmpty, pending.count < Self.maxPendingSize else { return }
    pending += bytes
    takenCount += UInt64(bytes.count)
    write()
  }

  /// Writes as much as possible now, in blocks that a pipe accepts whole. A line that fits into a block is not divided. If the
  /// stream fails, because it has no reader or its disk is full, everything that is buffered is dropped.
  package mutating func write() {
    while !isIdle {
      var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard Glibc.poll(&entry, 1, 0) > 0 else { return }
      let count = retryingOnInterrupt {
        nextBlock.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      }
      if count < 0, errno == EAGAIN { return }
      guard count > 0 else {
        failure = Failure(error: SystemError("write"), writtenCount: writtenCount)
        break
      }
      pending.removeFirst(count)
    }
    // Removing bytes from the front does not release their memory.
    pending = []
  }

  private var nextBlock: ArraySlice<UInt8> {
    let block = pending.prefix(Self.blockSize)
    guard block.count < pending.count, let end = block.lastIndex(of: UInt8(ascii: "\n")) else { return block }
    return block[...end]
  }

  /// Why bytes were dropped since the last call; nil if none were.
  package mutating func takeFailure() -> Failure? {
    defer { failure = nil }
    return failure
  }
}
