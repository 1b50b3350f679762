import Console
import Linux

/// How far a command is that goes through many dead letters: one line on a terminal, drawn over and over, and gone in the end.
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

  /// For another line in its place.
  func clear() {
    if isDrawn { ThisProcess.writeToStandardError("\r\u{1B}[K") }
    isDrawn = false
  }
}
