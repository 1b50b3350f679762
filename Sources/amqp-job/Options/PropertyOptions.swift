import AMQP
import ArgumentParser
import JobRunner

/// A message's properties and headers.
struct PropertyOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A header; may be repeated.", valueName: "name=value"))
  var header: [QueueArgument] = []

  @Option(help: "MIME type of the bodies.") var contentType: String?
  @Option(help: "Encoding of the bodies, such as gzip.") var contentEncoding: String?
  @Option(help: "Id; by default each item gets one of its own.") var messageId: String?
  @Option(help: "Id of what the items belong to.") var correlationId: String?
  @Option(help: "0 to 255; only a queue with x-max-priority heeds it.") var priority: UInt8?
  @Option(help: "Time after which an item that nobody took is dropped.") var expiration: Duration?
  @Option(help: "Name of the items' type.") var type: String?
  @Option(help: "Queue for answers.") var replyTo: String?

  func resolved(_ settings: inout Settings) throws -> BasicProperties {
    var properties = BasicProperties()
    if !header.isEmpty {
      properties.headers = FieldTable(header.map { .init(name: ByteString($0.name), value: $0.value) })
    }
    properties.contentType = try text(contentType, "content-type", &settings)
    properties.contentEncoding = try text(contentEncoding, "content-encoding", &settings)
    properties.messageID = try text(messageId, "message-id", &settings)
    properties.correlationID = try text(correlationId, "correlation-id", &settings)
    properties.priority = try settings.value(priority, "priority")
    if let expiration = try settings.value(expiration, "expiration") {
      properties.expiration = ByteString("\(Int(expiration / .milliseconds(1)))")
    }
    properties.type = try text(type, "type", &settings)
    properties.replyTo = try text(replyTo, "reply-to", &settings)
    return properties
  }

  /// AMQP's short strings have at most 255 bytes.
  private func text(
    _ given: String?, _ name: String, _ settings: inout Settings
  ) throws -> ByteString? {
    guard let text = try settings.value(given, name) else { return nil }
    guard text.utf8.count <= 255 else { throw Failure(.usage, "--\(name) has at most 255 bytes") }
    return ByteString(text)
  }
}
