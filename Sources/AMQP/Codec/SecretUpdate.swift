/// The wire format of `connection.update-secret`, which librabbitmq does not know
/// (<https://www.rabbitmq.com/amqp-0-9-1-reference.html#connection.update-secret>).
enum SecretUpdate {
  static let number: UInt32 = 10 << 16 | 70
  /// That of `connection.update-secret-ok`, which has no fields.
  static let answerNumber: UInt32 = 10 << 16 | 71

  /// The method's number and fields: the secret as a long string, the reason as a short one. At most `limit` bytes.
  /// Precondition: the reason has at most 255 bytes.
  /// - Throws: `AMQPError.doesNotFitFrame`, which repeats nothing of the secret
  static func encode(_ secret: ByteString, reason: ByteString, limit: Int) throws -> [UInt8] {
    precondition(reason.bytes.count <= 255, "a reason that is too long for a short string")
    var bytes: [UInt8] = []
    bytes.append(bigEndian: number)
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
