internal import AMQP
internal import JSONText

/// An item that is written as a JSON object.
struct JSONItem: Hashable {
  struct FormError: Error, Hashable, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
  }

  private(set) var body: [UInt8]
  private(set) var properties: BasicProperties

  init(_ text: [UInt8], defaults: BasicProperties) throws(FormError) {
    let isObject = text.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "{")
    guard isObject, case .object(let members) = try Self.value(of: text) else {
      throw FormError("it is not a JSON object")
    }
    var body: [UInt8]?
    properties = defaults
    for member in members {
      switch member.name {
      case "body", "body_base64":
        guard body == nil else { throw FormError("it has two bodies") }
        body = member.name == "body" ? Array(try Self.text(member).utf8) : try Self.decoded(member)
      case "properties": for each in try Self.object(member) { try Self.set(each, in: &properties) }
      case "headers": properties.headers = try Self.merged(try Self.object(member), into: properties.headers)
      default: throw FormError("'\(member.name)' is none of body, body_base64, properties and headers")
      }
    }
    guard let body else { throw FormError("it has neither body nor body_base64") }
    self.body = body
  }

  private static func value(of text: [UInt8]) throws(FormError) -> JSONValue {
    do { return try JSONReader.read(text) } catch { throw FormError("\(error)") }
  }

  private static func set(_ member: JSONValue.Member, in properties: inout BasicProperties) throws(FormError) {
    switch member.name {
    case "content_type": properties.contentType = try short(member)
    case "content_encoding": properties.contentEncoding = try short(member)
    case "correlation_id": properties.correlationID = try short(member)
    case "reply_to": properties.replyTo = try short(member)
    case "message_id": properties.messageID = try short(member)
    case "type": properties.type = try short(member)
    case "app_id": properties.appID = try short(member)
    case "priority": properties.priority = UInt8(try number(member, in: 0...255))
    case "timestamp": properties.timestamp = UInt64(try number(member, in: 0...Int64.max, "seconds since 1970"))
    case "expiration":
      properties.expiration = ByteString("\(try number(member, in: 1...Int64(UInt32.max), "milliseconds"))")
    default:
      throw FormError(
        "'\(member.name)' is none of the properties content_type, content_encoding, correlation_id, reply_to, message_id, "
          + "type, app_id, priority, timestamp and expiration")
    }
  }

  // MARK: Values of members

  private static func text(_ member: JSONValue.Member) throws(FormError) -> String {
    guard case .text(let text) = member.value else { throw FormError("'\(member.name)' must be a string") }
    return text
  }

  private static func object(_ member: JSONValue.Member) throws(FormError) -> [JSONValue.Member] {
    guard case .object(let members) = member.value else { throw FormError("'\(member.name)' must be an object") }
    return members
  }

  private static func number(
    _ member: JSONValue.Member, in range: ClosedRange<Int64>, _ unit: String? = nil
  ) throws(FormError) -> Int64 {
    if case .integer(let number) = member.value, range.contains(number) { return number }
    let end = range.upperBound == .max ? "" : " to \(range.upperBound)"
    let meaning = unit.map { " (\($0))" } ?? ""
    throw FormError("'\(member.name)' must be a whole number from \(range.lowerBound)\(end)\(meaning)")
  }

  private static func short(_ member: JSONValue.Member) throws(FormError) -> ByteString {
    let text = try text(member)
    guard let short = ShortString(text) else {
      throw FormError("'\(member.name)' must not be longer than \(ShortString.maxSize) bytes")
    }
    return short.value
  }

  private static func decoded(_ member: JSONValue.Member) throws(FormError) -> [UInt8] {
    guard let bytes = Base64.decoded(try text(member)) else { throw FormError("'\(member.name)' must be base64") }
    return bytes
  }

  private static func merged(_ given: [JSONValue.Member], into table: FieldTable?) throws(FormError) -> FieldTable {
    let names = Set(given.map { ByteString($0.name) })
    let kept = table?.entries.filter { !names.contains($0.name) } ?? []
    return FieldTable(kept + (try fields(given)).entries)
  }

  private static func fields(_ members: [JSONValue.Member], level: Int = 0) throws(FormError) -> FieldTable {
    FieldTable(
      try members.map { member throws(FormError) in
        guard let name = ShortString(member.name) else {
          throw FormError("a header's name is longer than \(ShortString.maxSize) bytes")
        }
        return .init(name: name.value, value: try field(member.value, level: level))
      })
  }

  /// `level` is the number of arrays and objects around the value.
  private static func field(_ value: JSONValue, level: Int) throws(FormError) -> FieldValue {
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

  private static func fields(_ values: [JSONValue], level: Int) throws(FormError) -> [FieldValue] {
    try values.map { value throws(FormError) in try field(value, level: level) }
  }

  private static func below(_ level: Int) throws(FormError) -> Int {
    guard level < FieldTable.maxDepth else {
      throw FormError("a header has more than \(FieldTable.maxDepth) levels of arrays and objects")
    }
    return level + 1
  }
}
