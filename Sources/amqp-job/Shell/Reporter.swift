import Console
import Linux

/// Reports log entries to the user. An error also goes to the termination log, from which Kubernetes takes the message of a
/// container that has ended.
struct Reporter {
  private static let terminationLog = "/dev/termination-log"
  private static let terminationLogLimit = 4096

  let logger: Logger
  /// Writes errors to standard error, where the log itself goes elsewhere.
  private let errors: Logger?

  init(_ logger: Logger, errors: Logger? = nil) {
    self.logger = logger
    self.errors = errors
  }

  /// Whether a user watches the log on a terminal.
  var isWatched: Bool { errors == nil && Terminal.errorSize != nil }

  /// The time after which a user who watches is told what the command waits for. nil where nobody watches.
  var patience: Duration? { isWatched ? .seconds(1) : nil }

  func report(_ entry: LogEntry) {
    logger.log(entry)
    errors?.log(entry)
    if entry.level == .error {
      writeTerminationLog(logger.text(entry))
    }
  }

  /// Tells Kubernetes, and nobody else, what a command that succeeded has done.
  func reportSuccess(_ text: String) { writeTerminationLog(text) }

  private func writeTerminationLog(_ text: String) {
    SmallFile.overwrite(Self.terminationLog, with: Array(text.utf8.prefix(Self.terminationLogLimit)))
  }
}

extension Logger {
  init(format: Format, threshold: LogEntry.Level) {
    self.init(format: format, threshold: threshold, write: ThisProcess.writeToStandardError)
  }
}
