/// The members of a JSON object (RFC 8259), each with the text of its value: so a number keeps the form that it has there.
package struct JSONMembers {
  private let text: [UInt8]
  private var members: [(name: String, value: Range<Int>)] = []
  private var position = 0

  /// Reads a text in UTF-8 that consists of one object. A text with more than `limit` values is an error.
  package init(_ text: [UInt8], limit: Int = .max) throws(JSONReader.SyntaxError) {
    self.text = text
    try JSONReader.check(text, limit: limit)
    skipSpace()
    guard text[position] == UInt8(ascii: "{") else { throw JSONReader.SyntaxError(description: "it is not an object") }
    position += 1
    while true {
      skipSpace()
      switch text[position] {
      case UInt8(ascii: "}"): return
      case UInt8(ascii: ","): position += 1
      default: try readMember()
      }
    }
  }

  /// The text of the value of that name; nil if there is none.
  package subscript(name: String) -> [UInt8]? { members.first { $0.name == name }.map { Array(text[$0.value]) } }

  /// The value of that name, if it is a string.
  package func string(_ name: String) -> String? { self[name].flatMap(Self.string) }

  /// The content of a JSON string; nil for another value.
  package static func string(_ value: [UInt8]) -> String? {
    guard value.first == UInt8(ascii: "\""),
      case .array(let values)? = try? JSONReader.read(Array("[".utf8) + value + Array("]".utf8)),
      case .text(let text)? = values.first
    else { return nil }
    return text
  }

  // The text is known to be valid.

  private mutating func readMember() throws(JSONReader.SyntaxError) {
    let start = position
    skipString()
    let name = Self.string(Array(text[start..<position])) ?? ""
    skipSpace()
    position += 1
    skipSpace()
    let valueStart = position
    skipValue()
    members.append((name, valueStart..<position))
  }

  private mutating func skipSpace() { while " \t\r\n".utf8.contains(text[position]) { position += 1 } }

  private mutating func skipString() {
    position += 1
    while text[position] != UInt8(ascii: "\"") { position += text[position] == UInt8(ascii: "\\") ? 2 : 1 }
    position += 1
  }

  private mutating func skipValue() {
    var depth = 0
    repeat {
      switch text[position] {
      case UInt8(ascii: "\""): skipString()
      case UInt8(ascii: "{"), UInt8(ascii: "["): (depth, position) = (depth + 1, position + 1)
      case UInt8(ascii: "}"), UInt8(ascii: "]"): (depth, position) = (depth - 1, position + 1)
      case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"),
        UInt8(ascii: "\n"):
        position += 1
      default: skipWord()
      }
    } while depth > 0
  }

  /// A number, or `true`, `false` or `null`.
  private mutating func skipWord() { while !" \t\r\n,:{}[]\"".utf8.contains(text[position]) { position += 1 } }
}
