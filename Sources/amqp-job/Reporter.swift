import Console
import Linux

/// Says what there is to say where somebody sees it: in the log, and an error also where Kubernetes looks for a container's
/// last words.
struct Reporter {
  private static let terminationLog = "/dev/termination-log"
  private static let terminationLogLimit = 4096

  let logger: Logger
  /// For the errors, where the log itself is not on standard error.
  private let errors: Logger?

  init(_ logger: Logger, errors: Logger? = nil) {
    self.logger = logger
    self.errors = errors
  }

  /// Somebody looks on at a terminal.
  var isWatched: Bool { errors == nil && Terminal.errorSize != nil }

  /// After how long somebody who looks on wants to know what is waited for; nil where nobody does.
  var patience: Duration? { isWatched ? .seconds(1) : nil }

  func report(_ entry: LogEntry) {
    logger.log(entry)
    errors?.log(entry)
    if entry.level == .error {
      let line = Array(logger.text(entry).utf8.prefix(Self.terminationLogLimit))
      SmallFile.overwrite(Self.terminationLog, with: line)
    }
  }
}

extension Logger {
  init(format: Format, threshold: LogEntry.Level) {
    self.init(format: format, threshold: threshold, write: ThisProcess.writeToStandardError)
  }
}
