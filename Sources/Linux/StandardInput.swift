import Glibc

/// Standard input, read as it comes.
package enum StandardInput {
  /// It has something to read, or its end.
  package static var interest: PollInterest {
    PollInterest(descriptor: STDIN_FILENO, readable: true, writable: false)
  }

  /// - Throws: `SystemError` where we were started without one
  static func check() throws(SystemError) {
    guard !ThisProcess.isInputClosed else { throw SystemError(call: "read", code: EBADF) }
  }

  /// Reads what is there, and waits where nothing is; 0 at the end.
  /// - Throws: `SystemError`
  package static func read(into buffer: inout [UInt8]) throws(SystemError) -> Int {
    try check()
    let count = retrying { buffer.withUnsafeMutableBytes { Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count) } }
    guard count >= 0 else { throw SystemError("read") }
    return count
  }
}
