import Console
import JobRunner
import Linux

/// The progress of a runner: one line on the terminal of standard error, or else a line of the log now and then.
final class RunProgress {
  /// How often there is something new to show.
  static var period: Duration { .seconds(Terminal.errorSize == nil ? 5 : 1) }

  /// The line on the terminal; nil where there is none.
  let line: TerminalLine?
  private let name: String
  private let reporter: Reporter
  private var progress = Progress()

  init(_ name: String, _ reporter: Reporter) {
    (self.name, self.reporter) = (name, reporter)
    line = Terminal.errorSize.map { _ in TerminalLine() }
  }

  func show(_ work: WorkDone) {
    if let left = work.left { progress.observe(left: left, at: .now) }
    let shown = ProgressLine(name, progress, done: work.done, failed: work.failed)
    guard let line, let size = Terminal.errorSize else {
      var entry = LogEntry(
        .notice, "\(shown.plain)", ["done": .integer(work.done), "failed": .integer(work.failed)])
      if let left = work.left { entry.fields.append(.init("left", .integer(left))) }
      return reporter.logger.show(entry)
    }
    line.show(DrawnProgress([shown], width: size.columns - 1).lines.joined())
  }

  /// Logs an entry above the line.
  func report(_ entry: LogEntry) {
    line?.clear()
    reporter.report(entry)
    line?.draw()
  }

  /// The terminals among the streams that workers have of the runner.
  static var terminals: Set<OutputStream> {
    let sizes: [(OutputStream, Terminal.Size?)] = [(.output, Terminal.size), (.error, Terminal.errorSize)]
    return Set(sizes.filter { $0.1 != nil }.map(\.0))
  }
}
