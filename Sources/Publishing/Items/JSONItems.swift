public import AMQP
internal import JSONText
public import Linux

/// Lines of standard input that are JSON objects, an item each: `{"body": "text", "properties": {"type": "a"}, "headers": {"n": 1}}`;
/// a body that is no text is in `body_base64`.
public struct JSONItems: ItemSource {
  private var lines = DelimitedItems(delimiter: UInt8(ascii: "\n"))
  private let defaults: BasicProperties
  private var lineNumber = 0

  /// What an item does not say itself is as in `defaults`.
  public init(defaults: BasicProperties) { self.defaults = defaults }

  public var interest: PollInterest? { lines.interest }
  public var isAtEnd: Bool { lines.isAtEnd }

  public mutating func read() throws(InputError) { try lines.read() }

  public mutating func next() throws(InputError) -> Content? {
    guard let line = lines.nextPiece() else { return nil }
    lineNumber += 1
    do {
      let item = try JSONItem(line, defaults: defaults)
      return Content(.memory(item.body), item.properties, sizeInMemory: line.count)
    } catch {
      throw InputError(kind: .malformed, reason: "line \(lineNumber) is no item: \(error)")
    }
  }
}

/// An item as one JSON object.
struct JSONItem: Hashable {
  struct FormError: Error, CustomStringConvertible {
    var description: String
  }

  private(set) var body: [UInt8]
  private(set) var properties: BasicProperties

  init(_ text: [UInt8], defaults: BasicProperties) throws {
    guard case .object(let members) = try JSONReader.read(text) else { throw FormError(description: "not an object") }
    var body: [UInt8]?
    properties = defaults
    for member in members {
      switch (member.name, member.value) {
      case ("body", .text) where body != nil, ("body_base64", .text) where body != nil:
        throw FormError(description: "it has both 'body' and 'body_base64'")
      case ("body", .text(let text)): body = Array(text.utf8)
      case ("body_base64", .text(let text)):
        guard let decoded = Base64.decoded(text) else { throw FormError(description: "its body is no base64") }
        body = decoded
      case ("properties", .object(let given)): for each in given { try Self.set(each, in: &properties) }
      case ("headers", .object(let given)): properties.headers = try Self.merged(given, into: properties.headers)
      default: throw FormError(description: "'\(member.name)' is not known, or not of the kind that it should be")
      }
    }
    guard let body else { throw FormError(description: "it has no body") }
    self.body = body
  }

  private static func set(_ member: JSONValue.Member, in properties: inout BasicProperties) throws {
    switch (member.name, member.value) {
    case ("content_type", .text(let text)): properties.contentType = try short(text, member)
    case ("content_encoding", .text(let text)): properties.contentEncoding = try short(text, member)
    case ("correlation_id", .text(let text)): properties.correlationID = try short(text, member)
    case ("reply_to", .text(let text)): properties.replyTo = try short(text, member)
    case ("message_id", .text(let text)): properties.messageID = try short(text, member)
    case ("type", .text(let text)): properties.type = try short(text, member)
    case ("app_id", .text(let text)): properties.appID = try short(text, member)
    case ("priority", .integer(let number)) where (0...255).contains(number): properties.priority = UInt8(number)
    case ("timestamp", .integer(let number)) where number >= 0: properties.timestamp = UInt64(number)
    case ("expiration", .integer(let number)) where (1...Int64(UInt32.max)).contains(number):
      properties.expiration = ByteString("\(number)")
    default: throw FormError(description: "the property '\(member.name)' is not known, or has no such value")
    }
  }

  private static func short(_ text: String, _ member: JSONValue.Member) throws -> ByteString {
    guard text.utf8.count <= 255 else { throw FormError(description: "'\(member.name)' is longer than 255 bytes") }
    return ByteString(text)
  }

  private static func merged(_ given: [JSONValue.Member], into table: FieldTable?) throws -> FieldTable {
    let names = Set(given.map { ByteString($0.name) })
    let kept = table?.entries.filter { !names.contains($0.name) } ?? []
    return FieldTable(kept + (try fields(given)).entries)
  }

  private static func fields(_ members: [JSONValue.Member], level: Int = 0) throws -> FieldTable {
    FieldTable(
      try members.map { member in
        guard member.name.utf8.count <= 255 else {
          throw FormError(description: "a header's name is longer than 255 bytes")
        }
        return .init(name: ByteString(member.name), value: try field(member.value, level: level))
      })
  }

  /// `level` is how many arrays and objects the value is in.
  private static func field(_ value: JSONValue, level: Int) throws -> FieldValue {
    switch value {
    case .null: .void
    case .boolean(let value): .boolean(value)
    case .integer(let value): .int64(value)
    case .number(let value): .double(value)
    case .text(let value): .string(ByteString(value))
    case .array(let values): .array(try fields(values, level: try below(level)))
    case .object(let members): .table(try fields(members, level: try below(level)))
    }
  }

  private static func fields(_ values: [JSONValue], level: Int) throws -> [FieldValue] {
    try values.map { try field($0, level: level) }
  }

  private static func below(_ level: Int) throws -> Int {
    guard level < FieldTable.deepest else {
      throw FormError(description: "a header has more than \(FieldTable.deepest) levels of arrays and objects")
    }
    return level + 1
  }
}
