/// The properties of a message: AMQP's `basic` class, every one optional.
package struct BasicProperties: Hashable, Sendable {
  package var contentType: ByteString?
  package var contentEncoding: ByteString?
  package var headers: FieldTable?
  /// 1 transient, 2 persistent.
  package var deliveryMode: UInt8?
  package var priority: UInt8?
  package var correlationID: ByteString?
  package var replyTo: ByteString?
  /// Time to live in milliseconds, as decimal digits.
  package var expiration: ByteString?
  package var messageID: ByteString?
  /// Seconds since 1970-01-01T00:00:00Z.
  package var timestamp: UInt64?
  package var type: ByteString?
  package var userID: ByteString?
  package var appID: ByteString?
  /// All of them as they came, where they cannot be read: then nothing else is known of them, and these bytes are what is
  /// sent on.
  package var unread: [UInt8]?

  package init() {}
}
