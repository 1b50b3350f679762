import Glibc

/// Owns an open file descriptor, and closes it when the object is released.
package final class Descriptor: Sendable {
  package let number: Int32

  /// Takes ownership of `number`, which nothing else may close.
  init(owning number: Int32) { self.number = number }

  deinit { close(number) }

  /// The result of a read or a write on a non-blocking descriptor.
  package enum Transfer: Hashable, Sendable {
    /// The number of bytes that were transferred.
    case bytes(Int)
    /// The other side is closed: end of file, a broken pipe or a reset connection.
    case ended
    /// Nothing can be transferred now.
    case wouldBlock
  }

  package func read(into buffer: inout [UInt8]) throws(SystemError) -> Transfer {
    let count = retryingOnInterrupt { buffer.withUnsafeMutableBytes { Glibc.read(number, $0.baseAddress, $0.count) } }
    switch count {
    case 0: return .ended
    case 1...: return .bytes(count)
    default: return try transferFailed("read")
    }
  }

  /// Writes as many of the bytes as possible now.
  package func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Transfer {
    try transferred("write") { bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) } }
  }

  /// The bytes of a file from `offset` on: `count` bytes, or fewer at the end of the file.
  func read(at offset: off_t, atMost count: Int) throws(SystemError) -> [UInt8] {
    var length = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        length = retryingOnInterrupt {
          pread(number, buffer.baseAddress.map { $0 + filled }, count - filled, offset + off_t(filled))
        }
        guard length > 0 else { return }
        filled += length
      }
    }
    guard length >= 0 else { throw SystemError("pread") }
    return bytes
  }

  /// Writes all bytes to a regular file.
  func writeAll(_ bytes: [UInt8]) throws(SystemError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      guard case .bytes(let count) = try write(rest), count > 0 else { throw SystemError(call: "write", code: EIO) }
      rest.removeFirst(count)
    }
  }

  /// Calls `send`, and turns its return value and errno into a `Transfer`. `call` names the system call in errors.
  func transferred(_ call: String, by send: () -> Int) throws(SystemError) -> Transfer {
    let count = retryingOnInterrupt(send)
    return count >= 0 ? .bytes(count) : try transferFailed(call)
  }

  private func transferFailed(_ call: String) throws(SystemError) -> Transfer {
    switch errno {
    case EAGAIN: return .wouldBlock
    case EPIPE, ECONNRESET: return .ended
    default: throw SystemError(call)
    }
  }

  /// The file's type, size and times (fstat(2)).
  func status() throws(SystemError) -> stat {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw SystemError("fstat") }
    return status
  }

  /// Moves to the beginning of the file.
  func rewind() throws(SystemError) {
    guard lseek(number, 0, SEEK_SET) == 0 else { throw SystemError("lseek") }
  }

  /// A `/proc` path that opens the same file again.
  var pathInProc: String { "/proc/self/fd/\(number)" }

  func setNonBlocking() throws(SystemError) {
    guard fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) == 0 else {
      throw SystemError("fcntl")
    }
  }
}
