/// Reads standard input as a sequence of pieces, such as lines. Each piece ends with a delimiter.
package final class DelimitedReader {
  private let delimiter: UInt8
  private var buffer = [UInt8](repeating: 0, count: 65_536)
  private var piece: [UInt8] = []
  private var unread: ArraySlice<UInt8> = []

  package init(delimiter: UInt8) { self.delimiter = delimiter }

  /// What to wait for before the next call of `read`.
  package var interest: PollInterest { StandardInput.interest }

  /// The next complete piece, without its delimiter; nil if `read` must be called first.
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

  /// The size in bytes of a piece whose delimiter has not been read yet.
  package var pendingCount: Int { piece.count }

  /// The bytes after the last delimiter; nil if there are none. Valid once `read` has returned false.
  package var rest: [UInt8]? { piece.isEmpty ? nil : piece }

  /// Reads more bytes, and waits if there are none. Returns false at the end of the input.
  package func read() throws(SystemError) -> Bool {
    let count = try StandardInput.read(into: &buffer)
    unread = buffer[..<count]
    return count > 0
  }
}
