import Glibc

/// Forwards what child processes write to a standard stream of this process, without ever blocking.
package struct OutputRelay {
  /// Once so many bytes are buffered for a slow reader, there is no room for more.
  private static let maxPendingSize = 1 << 20

  /// Bytes that were dropped because the stream takes none.
  package struct Failure {
    package let error: SystemError
    /// The number of bytes that had been written before.
    package let writtenCount: UInt64
  }

  private var queue: OutputQueue
  private var failure: Failure?
  /// The number of bytes that were taken.
  package private(set) var takenCount: UInt64 = 0

  package init(to stream: OutputQueue.Stream) { queue = OutputQueue(to: stream) }

  /// Whether both streams lead to the same file, pipe or terminal.
  package static var streamsAreOne: Bool {
    var (output, error) = (stat(), stat())
    guard fstat(STDOUT_FILENO, &output) == 0, fstat(STDERR_FILENO, &error) == 0 else { return false }
    return output.st_dev == error.st_dev && output.st_ino == error.st_ino
  }

  /// Whether nothing is buffered.
  package var isIdle: Bool { queue.isEmpty }

  /// Whether so few bytes are buffered that more may come. It is for the caller to ask: `append` takes everything.
  package var hasRoom: Bool { queue.byteCount < Self.maxPendingSize }

  /// The number of bytes that are no longer buffered.
  package var writtenCount: UInt64 { takenCount - UInt64(queue.byteCount) }

  /// What to wait for before the next call of `write`; nil if nothing is buffered.
  package var interest: PollInterest? { queue.interest }

  /// Takes bytes to forward, and writes as many as possible now.
  package mutating func append(_ bytes: ArraySlice<UInt8>) {
    guard !bytes.isEmpty else { return }
    queue.append(Array(bytes))
    takenCount += UInt64(bytes.count)
    write()
  }

  /// Writes as much as possible now. If the stream fails, because it has no reader or its disk is full, everything that is buffered
  /// is dropped.
  package mutating func write() {
    do throws(SystemError) { try queue.write() } catch {
      failure = Failure(error: error, writtenCount: writtenCount)
      queue.clear()
    }
  }

  /// Why bytes were dropped since the last call; nil if none were.
  package mutating func takeFailure() -> Failure? {
    defer { failure = nil }
    return failure
  }
}
