package import AMQP
package import Linux

/// Lines of standard input that are JSON objects, an item each: `{"body": "text", "properties": {"type": "a"}, "headers": {"n": 1}}`;
/// a body that is no text is in `body_base64`. Lines of white space alone are left out, and so is a byte order mark before the first.
package struct JSONItems: ItemSource {
  private var lines = DelimitedItems(delimiter: UInt8(ascii: "\n"))
  private let defaults: BasicProperties
  private var lineNumber = 0

  /// What an item does not say itself is as in `defaults`.
  package init(defaults: BasicProperties) { self.defaults = defaults }

  package var interest: PollInterest? { lines.interest }
  package var isAtEnd: Bool { lines.isAtEnd }

  package mutating func read() throws(InputError) { try lines.read() }

  package mutating func next() throws(InputError) -> Content? {
    guard let line = nextLine() else { return nil }
    do {
      let item = try JSONItem(line, defaults: defaults)
      return Content(.memory(item.body), item.properties, sizeInMemory: line.count)
    } catch {
      throw InputError(kind: .malformed, reason: "line \(lineNumber) is no item: \(error)")
    }
  }

  private mutating func nextLine() -> [UInt8]? {
    while var line = lines.nextPiece() {
      lineNumber += 1
      if lineNumber == 1, line.starts(with: Self.byteOrderMark) { line.removeFirst(Self.byteOrderMark.count) }
      if !line.allSatisfy(Self.whiteSpace.contains) { return line }
    }
    return nil
  }

  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
  private static let whiteSpace = Array(" \t\r\n".utf8)
}
