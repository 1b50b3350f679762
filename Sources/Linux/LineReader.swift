import Glibc

/// Reads standard input line by line, as it comes.
public final class LineReader {
  private var buffer = [UInt8](repeating: 0, count: 65_536)
  private var line: [UInt8] = []
  private var unread: ArraySlice<UInt8> = []

  public init() {}

  /// What to wait for before `read` should be called.
  public var interest: PollInterest {
    PollInterest(descriptor: STDIN_FILENO, readable: true, writable: false)
  }

  /// The next line of what was read, without its end; nil until `read` has been called again.
  public func next() -> [UInt8]? {
    guard let end = unread.firstIndex(of: UInt8(ascii: "\n")) else {
      line += unread
      unread = []
      return nil
    }
    defer {
      line = []
      unread = unread[(end + 1)...]
    }
    return line + unread[..<end]
  }

  /// What stands after the last line's end, once `read` has said that there is no more.
  public var rest: [UInt8]? { line.isEmpty ? nil : line }

  /// Reads on; false at the end of the input.
  /// - Throws: `SystemError`
  public func read() throws -> Bool {
    let count = retrying { buffer.withUnsafeMutableBytes { Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count) } }
    guard count >= 0 else { throw SystemError("read") }
    unread = buffer[..<count]
    return count > 0
  }
}
