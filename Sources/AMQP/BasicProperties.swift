/// The properties of a message, as AMQP's `basic` class defines them. Every property is optional.
package struct BasicProperties: Hashable, Sendable {
  package var contentType: ByteString?
  package var contentEncoding: ByteString?
  package var headers: FieldTable?
  /// 1 means transient, 2 means persistent.
  package var deliveryMode: UInt8?
  package var priority: UInt8?
  package var correlationID: ByteString?
  package var replyTo: ByteString?
  /// The time to live in milliseconds, written in decimal digits.
  package var expiration: ByteString?
  package var messageID: ByteString?
  /// In seconds since 1970-01-01T00:00:00Z.
  package var timestamp: UInt64?
  package var type: ByteString?
  package var userID: ByteString?
  package var appID: ByteString?
  /// The encoded properties, if they cannot be decoded. All other properties are then nil, and these bytes are sent
  /// unchanged when the message is published again.
  package var undecodable: [UInt8]?

  package init() {}
}
