import Glibc

/// Standard input as a stream.
package enum StandardInput {
  /// Becomes readable when there are bytes to read, or at the end of the input.
  package static var interest: PollInterest {
    PollInterest(descriptor: STDIN_FILENO, readable: true, writable: false)
  }

  /// Throws EBADF if this process was started with standard input closed.
  static func check() throws(SystemError) {
    guard !ThisProcess.isInputClosed else { throw SystemError(call: "read", code: EBADF) }
  }

  /// Reads the available bytes, and waits if there are none. Returns their number, which is 0 at the end of the input.
  package static func read(into buffer: inout [UInt8]) throws(SystemError) -> Int {
    try check()
    let count = retryingOnInterrupt {
      buffer.withUnsafeMutableBytes { Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count) }
    }
    guard count >= 0 else { throw SystemError("read") }
    return count
  }
}
