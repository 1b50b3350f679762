/// Reads standard input piece by piece, as it comes; a piece ends with a delimiter, such as a line's end.
package final class DelimitedReader {
  private let delimiter: UInt8
  private var buffer = [UInt8](repeating: 0, count: 65_536)
  private var piece: [UInt8] = []
  private var unread: ArraySlice<UInt8> = []

  package init(delimiter: UInt8) { self.delimiter = delimiter }

  /// What to wait for before `read` should be called.
  package var interest: PollInterest { StandardInput.interest }

  /// The next piece of what was read, without its end; nil until `read` has been called again.
  package func next() -> [UInt8]? {
    guard let end = unread.firstIndex(of: delimiter) else {
      piece += unread
      unread = []
      return nil
    }
    defer { unread = unread[(end + 1)...] }
    guard !piece.isEmpty else { return Array(unread[..<end]) }
    piece += unread[..<end]
    defer { piece = [] }
    return piece
  }

  /// How much there is of a piece whose end has not come, in bytes.
  package var pendingCount: Int { piece.count }

  /// What stands after the last delimiter, once `read` has said that there is no more.
  package var rest: [UInt8]? { piece.isEmpty ? nil : piece }

  /// Reads on; false at the end of the input.
  /// - Throws: `SystemError`
  package func read() throws(SystemError) -> Bool {
    let count = try StandardInput.read(into: &buffer)
    unread = buffer[..<count]
    return count > 0
  }
}
