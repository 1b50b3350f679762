import Console
import Linux

/// Standard output, as the answer to what a command was asked.
enum Output {
  /// As the shell reports a program that SIGPIPE ended, which is how others end when nobody reads their output any more.
  private static let nobodyReads = ExitStatus(rawValue: 141)

  /// `atEnd` is done first where this process ends because nobody reads.
  /// - Throws: `Failure`
  static func write(_ text: String, atEnd: () -> Void = {}) throws { try write(Array(text.utf8), atEnd: atEnd) }

  /// The same of bytes that need not be text.
  static func write(_ bytes: [UInt8], atEnd: () -> Void = {}) throws {
    guard !ThisProcess.isOutputClosed else { throw Failure(.inputOutputError, "standard output is closed") }
    do {
      try ThisProcess.writeToStandardOutput(bytes)
    } catch {
      if error.isBrokenPipe {
        atEnd()
        nobodyReads.exit()
      }
      throw Failure(.inputOutputError, "cannot write to standard output: \(error.reason)")
    }
  }
}
