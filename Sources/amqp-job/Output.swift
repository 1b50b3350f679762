import JobRunner
import Linux

/// Standard output, as the answer to what a command was asked.
enum Output {
  private static let brokenPipe: Int32 = 32
  /// As the shell reports a program that SIGPIPE ended, which is how others end when nobody reads their output any more.
  private static let nobodyReads = ExitStatus(rawValue: 141)
  private static let cannotWrite = ExitStatus(rawValue: 74)

  /// - Throws: `Failure`
  static func write(_ text: String) throws {
    guard !ThisProcess.isOutputClosed else { throw Failure(cannotWrite, "standard output is closed") }
    do {
      try ThisProcess.answer(Array(text.utf8))
    } catch {
      if error.code == brokenPipe { nobodyReads.exit() }
      throw Failure(cannotWrite, "cannot write to standard output: \(error.reason)")
    }
  }
}
