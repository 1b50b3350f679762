package import AMQP
package import Linux

/// Lines of standard input, each of which is an item as a JSON object, such as `{"body": "text", "properties": {"type":
/// "a"}, "headers": {"n": 1}}`. A body that is not text is given as `body_base64`. Blank lines are ignored, and so is a
/// byte order mark at the beginning.
package struct JSONItems: ItemSource {
  private var lines = DelimitedItems(delimiter: UInt8(ascii: "\n"))
  private let defaults: BasicProperties
  private let objection: (BasicProperties) -> String?
  private var lineNumber = 0

  /// `defaults` are the properties that an item has unless its line says otherwise. `objection` returns why an item cannot be
  /// published; nil if it can.
  package init(
    defaults: BasicProperties, objection: @escaping (BasicProperties) -> String? = { _ in nil }
  ) {
    (self.defaults, self.objection) = (defaults, objection)
  }

  package var interest: PollInterest? { lines.interest }
  package var isAtEnd: Bool { lines.isAtEnd }

  package mutating func read() throws(InputError) { try lines.read() }

  package mutating func next() throws(InputError) -> ItemContent? {
    guard let line = nextLine() else { return nil }
    let item: JSONItem
    do { item = try JSONItem(line, defaults: defaults) } catch {
      throw InputError(kind: .malformed, reason: "line \(lineNumber) is no item: \(error)")
    }
    if let objection = objection(item.properties) {
      throw InputError(kind: .unsuitable, reason: "line \(lineNumber): \(objection)")
    }
    return ItemContent(.memory(item.body), item.properties, sizeInMemory: line.count)
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
