import AMQP
import Arguments
import Console

/// A message's properties and headers.
enum PropertyOptions {
  static let group = OptionGroup(
    "Properties",
    [
      Option("header", value: "NAME=VALUE", "a header").repeatable,
      Option("content-type", value: "TYPE", "MIME type of the bodies"),
      Option("content-encoding", value: "NAME", "encoding of the bodies, such as gzip"),
      Option("message-id", value: "ID", "by default each item gets an id of its own"),
      Option("correlation-id", value: "ID", "id of what the items belong to"),
      Option("priority", value: "0-255", "only a queue with x-max-priority heeds it"),
      Option("expiration", value: "DURATION", "drop an item that nobody took for so long"),
      Option("type", value: "NAME", "the items' type"),
      Option("reply-to", value: "QUEUE", "where answers go"),
    ])

  /// - Throws: `Failure`
  static func properties(_ settings: inout Settings) throws -> BasicProperties {
    var properties = BasicProperties()
    let fields = try FieldArgument.all("header", &settings)
    if !fields.isEmpty {
      properties.headers = FieldTable(fields.map { .init(name: ByteString($0.name), value: $0.value) })
    }
    properties.contentType = try shortString("content-type", &settings)
    properties.contentEncoding = try shortString("content-encoding", &settings)
    properties.messageID = try shortString("message-id", &settings)
    properties.correlationID = try shortString("correlation-id", &settings)
    properties.priority = try settings.value("priority", "a number from 0 to 255") { UInt8($0) }
    if let expiration = try settings.duration("expiration") {
      guard expiration >= .milliseconds(1), expiration < .milliseconds(UInt32.max) else {
        throw Failure(.usage, "--expiration is from 1ms to 49 days")
      }
      properties.expiration = ByteString("\(expiration.wholeMilliseconds)")
    }
    properties.type = try shortString("type", &settings)
    _ = try settings.name("reply-to")
    properties.replyTo = try shortString("reply-to", &settings)
    return properties
  }

  /// AMQP's short strings have at most 255 bytes.
  private static func shortString(_ name: String, _ settings: inout Settings) throws -> ByteString? {
    try settings.value(name, "at most 255 bytes") { ShortString($0)?.value }
  }
}
