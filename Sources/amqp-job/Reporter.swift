import JobRunner
import Linux

/// Says what there is to say where somebody sees it: on standard error, and an error also where
/// Kubernetes looks for a container's last words.
struct Reporter {
  private static let terminationLog = "/dev/termination-log"
  private static let terminationLogLimit = 4096

  let logger: Logger

  init(_ logger: Logger) { self.logger = logger }

  /// After how long somebody who looks on wants to know what is waited for; nil where nobody does.
  var patience: Duration? { Terminal.errorSize == nil ? nil : .seconds(1) }

  func report(_ entry: LogEntry) {
    logger.log(entry)
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
