import Glibc

/// What standard output, or standard error, is shown on.
package enum Terminal {
  package struct Size: Hashable, Sendable {
    package var columns: Int
    package var rows: Int
  }

  /// nil where standard output is no terminal; what the terminal does not tell is as it was on paper.
  package static var size: Size? { size(STDOUT_FILENO) }
  /// The same for standard error.
  package static var errorSize: Size? { size(STDERR_FILENO) }

  private static func size(_ descriptor: Int32) -> Size? {
    guard isatty(descriptor) == 1 else { return nil }
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return Size(columns: 80, rows: 24)
    }
    return Size(columns: Int(size.ws_col), rows: Int(size.ws_row))
  }
}
