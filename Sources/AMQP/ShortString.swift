/// A string that AMQP calls short: it has at most 255 bytes. Names of queues and exchanges, routing keys, header names and most
/// properties are short strings.
package struct ShortString: Hashable, Sendable {
  /// The maximum size in bytes.
  package static let maxSize = 255

  package let value: ByteString

  /// The result is nil if the string is too long.
  package init?(_ value: ByteString) {
    guard value.bytes.count <= Self.maxSize else { return nil }
    self.value = value
  }

  package init?(_ text: String) { self.init(ByteString(text)) }
  package init?(_ bytes: [UInt8]) { self.init(ByteString(bytes)) }
}
