import Glibc

/// The owner of an open file descriptor, which is closed with it.
package final class Descriptor: Sendable {
  package let number: Int32

  /// Takes over `number`, which nobody else may close.
  init(owning number: Int32) { self.number = number }

  deinit { close(number) }

  /// How a read or a write on a non-blocking descriptor ended.
  package enum Transfer: Hashable, Sendable {
    case bytes(Int)
    /// The other side is gone: end of file, or a broken pipe.
    case ended
    /// Nothing can be transferred now.
    case wouldBlock
  }

  /// - Throws: `SystemError`
  package func read(into buffer: inout [UInt8]) throws -> Transfer {
    let count = retrying { buffer.withUnsafeMutableBytes { Glibc.read(number, $0.baseAddress, $0.count) } }
    switch count {
    case 0: return .ended
    case 1...: return .bytes(count)
    default: return try transferFailed("read")
    }
  }

  /// Writes what can be written now of `bytes`.
  /// - Throws: `SystemError`
  package func write(_ bytes: ArraySlice<UInt8>) throws -> Transfer {
    try transferred("write") { bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) } }
  }

  /// The bytes of a file from `offset` on, as many as there are, at most `count`.
  /// - Throws: `SystemError`
  func read(at offset: off_t, atMost count: Int) throws -> [UInt8] {
    var length = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        length = retrying {
          pread(number, buffer.baseAddress.map { $0 + filled }, count - filled, offset + off_t(filled))
        }
        guard length > 0 else { return }
        filled += length
      }
    }
    guard length >= 0 else { throw SystemError("pread") }
    return bytes
  }

  /// Writes all of them, to a file.
  /// - Throws: `SystemError`
  func writeAll(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      guard case .bytes(let count) = try write(rest), count > 0 else { throw SystemError(call: "write", code: EIO) }
      rest.removeFirst(count)
    }
  }

  /// What a call that sends bytes came to.
  func transferred(_ call: String, by send: () -> Int) throws -> Transfer {
    let count = retrying(send)
    return count >= 0 ? .bytes(count) : try transferFailed(call)
  }

  private func transferFailed(_ call: String) throws -> Transfer {
    switch errno {
    case EAGAIN: return .wouldBlock
    case EPIPE, ECONNRESET: return .ended
    default: throw SystemError(call)
    }
  }

  /// By which this process can open what it is anew.
  var pathInProc: String { "/proc/self/fd/\(number)" }

  func setNonBlocking() throws {
    guard fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) == 0 else {
      throw SystemError("fcntl")
    }
  }
}
