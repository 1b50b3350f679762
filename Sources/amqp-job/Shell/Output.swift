import Console
import Linux

/// Standard output, to which a command writes its answer.
enum Output {
  /// The status that a shell reports for a program that SIGPIPE ended. Other programs end so when nobody reads their output.
  static let brokenPipe = ExitStatus(rawValue: 141)

  /// Writes the text. If nobody reads standard output any more, calls `atEnd` and exits.
  static func write(_ text: String, atEnd: () -> Void = {}) throws(Failure) {
    try write(Array(text.utf8), atEnd: atEnd)
  }

  /// The same for bytes, which need not be text.
  static func write(_ bytes: [UInt8], atEnd: () -> Void = {}) throws(Failure) {
    guard !ThisProcess.isOutputClosed else { throw Failure(.inputOutputError, "standard output is closed") }
    do {
      try ThisProcess.writeToStandardOutput(bytes)
    } catch {
      if error.isBrokenPipe {
        atEnd()
        brokenPipe.exit()
      }
      throw Failure(.inputOutputError, "cannot write to standard output: \(error.reason)")
    }
  }
}
