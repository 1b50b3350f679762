import AMQP
import Arguments
import Console

/// The options for a message's properties and headers.
enum PropertyOptions {
  static let header = RepeatableOption("header", .field, "a header")
  static let contentType = Option("content-type", .shortString("TYPE"), "MIME type of the bodies")
  static let contentEncoding = Option(
    "content-encoding", .shortString("NAME"), "encoding of the bodies, such as gzip")
  static let messageID = Option("message-id", .shortString("ID"), "message id (default: a new one for each item)")
  static let correlationID = Option("correlation-id", .shortString("ID"), "correlation id of the items")
  static let priority = Option("priority", .priority, "priority of the items, for a queue with x-max-priority")
  static let expiration = Option("expiration", .expiration, "drop an item that is not taken for this long")
    .known(as: "ttl", "message-ttl")
  static let type = Option("type", .shortString("NAME"), "type of the items")
  static let replyTo = Option("reply-to", .shortName("QUEUE"), "queue for answers")

  static let group = OptionGroup(
    "Properties",
    [header, contentType, contentEncoding, messageID, correlationID, priority, expiration, type, replyTo])

  /// - Throws: `UsageError`
  static func properties(_ settings: inout Settings) throws -> BasicProperties {
    var properties = BasicProperties()
    let fields = try FieldArgument.all(header, &settings)
    if !fields.isEmpty {
      properties.headers = FieldTable(fields.map { .init(name: ByteString($0.name), value: $0.value) })
    }
    properties.contentType = try settings.value(contentType)
    properties.contentEncoding = try settings.value(contentEncoding)
    properties.messageID = try settings.value(messageID)
    properties.correlationID = try settings.value(correlationID)
    properties.priority = try settings.value(priority)
    properties.expiration = try settings.value(expiration).map { ByteString("\($0.wholeMilliseconds)") }
    properties.type = try settings.value(type)
    properties.replyTo = try settings.value(replyTo)
    return properties
  }
}

extension ValueType where Value == UInt8 {
  fileprivate static var priority: Self {
    Self("0-255", expected: "a number from 0 to 255") { UInt8($0) }
  }
}

extension ValueType where Value == Duration {
  fileprivate static var expiration: Self {
    duration.limited("is from 1ms to 49 days") { $0 >= .milliseconds(1) && $0 <= .maxBrokerTime }
  }
}
