import Glibc

/// The terminal that standard output or standard error is connected to.
package enum Terminal {
  package struct Size: Hashable, Sendable {
    package var columns: Int
    package var rows: Int
  }

  /// The size of the terminal of standard output; nil if it is not a terminal. A terminal that does not report its size
  /// counts as 80 by 24.
  package static var size: Size? { size(STDOUT_FILENO) }
  /// The size of the terminal of standard error, found in the same way.
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
