/// The last line on the terminal of standard error, which is redrawn in place. Other output goes above it.
package final class TerminalLine {
  private var text = ""
  private var isDrawn = false

  package init() {}

  /// Shows the text, which has to fit on one line.
  package func show(_ text: String) {
    self.text = text
    draw()
  }

  /// Removes the line, until the next `draw`, so that other output can take its place.
  package func clear() {
    if isDrawn { ThisProcess.writeToStandardError("\r\u{1B}[K") }
    isDrawn = false
  }

  /// Shows the line again below what was written since.
  package func draw() {
    guard !text.isEmpty else { return }
    ThisProcess.writeToStandardError("\r\(text)\u{1B}[K")
    isDrawn = true
  }

  /// Removes the line for good.
  package func end() {
    clear()
    text = ""
  }
}
