/// The properties of a message: AMQP's `basic` class, every one optional.
public struct BasicProperties: Hashable, Sendable {
  public var contentType: ByteString?
  public var contentEncoding: ByteString?
  public var headers: FieldTable?
  /// 1 transient, 2 persistent.
  public var deliveryMode: UInt8?
  public var priority: UInt8?
  public var correlationID: ByteString?
  public var replyTo: ByteString?
  /// Time to live in milliseconds, as decimal digits.
  public var expiration: ByteString?
  public var messageID: ByteString?
  /// Seconds since 1970-01-01T00:00:00Z.
  public var timestamp: UInt64?
  public var type: ByteString?
  public var userID: ByteString?
  public var appID: ByteString?
  /// All of them as they came, where they cannot be read: then nothing else is known of them, and these bytes are what is
  /// sent on.
  public var unread: [UInt8]?

  public init() {}
}
