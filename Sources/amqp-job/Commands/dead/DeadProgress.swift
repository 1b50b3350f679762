import Console
import Linux

/// The progress of a command that reads many dead letters. It is one line on a terminal, which is redrawn, and removed at the end.
final class DeadProgress {
  private static let interval: Duration = .milliseconds(250)

  private let name: String
  private let total: Int
  private let isShown: Bool
  private var progress = Progress()
  private var next = ContinuousClock.now
  private var isDrawn = false

  init(_ name: String, total: Int, _ reporter: Reporter) {
    self.name = name
    self.total = total
    isShown = reporter.logger.format == .text && reporter.logger.threshold <= .notice && Terminal.errorSize != nil
  }

  func turn(_ doneCount: Int) {
    guard isShown, ContinuousClock.now >= next, let size = Terminal.errorSize else { return }
    next = .now + Self.interval
    progress.observe(left: max(0, total - doneCount), at: .now)
    let drawn = DrawnProgress([ProgressLine(name, progress)], width: size.columns - 1)
    ThisProcess.writeToStandardError("\r\(drawn.lines.joined())\u{1B}[K")
    isDrawn = true
  }

  /// Removes the line, so that other output can take its place.
  func clear() {
    if isDrawn { ThisProcess.writeToStandardError("\r\u{1B}[K") }
    isDrawn = false
  }
}
