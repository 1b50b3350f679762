/// The wire format of `connection.update-secret`, which librabbitmq does not support
/// (<https://www.rabbitmq.com/amqp-0-9-1-reference.html#connection.update-secret>).
enum SecretUpdate {
  static let methodID: UInt32 = 10 << 16 | 70
  /// The id of `connection.update-secret-ok`, which has no arguments.
  static let okMethodID: UInt32 = 10 << 16 | 71

  /// The method's id and its arguments: the secret as a long string, then the reason as a short string. Throws
  /// `AMQPError.doesNotFitFrame` if they are more than `limit` bytes; the error does not quote the secret.
  /// Precondition: the reason has at most 255 bytes.
  static func encode(_ secret: ByteString, reason: ByteString, limit: Int) throws(AMQPError) -> [UInt8] {
    precondition(reason.bytes.count <= ShortString.maxSize, "the reason is too long for a short string")
    var bytes: [UInt8] = []
    bytes.append(bigEndian: methodID)
    bytes.append(bigEndian: UInt32(secret.bytes.count))
    bytes += secret.bytes
    bytes.append(UInt8(reason.bytes.count))
    bytes += reason.bytes
    guard bytes.count <= limit else {
      throw AMQPError.doesNotFitFrame("a secret of \(secret.bytes.count) bytes, more than \(limit) with its frame")
    }
    return bytes
  }
}
