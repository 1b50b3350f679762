package import AMQP
internal import Linux
internal import TLS

/// Sends methods and messages. They are queued first, and `flush` writes as many bytes as the socket takes.
extension BrokerLink {
  /// The number of queued bytes above which a publisher waits before it queues more.
  package static let maxUnsentByteCount = 256 << 10
  /// The size of the pieces in which a large body is read and queued.
  package static let bodyPieceSize = 64 << 10

  /// Whether a publisher may queue more.
  package var hasRoom: Bool { unsentByteCount < Self.maxUnsentByteCount }

  /// Queues a method. Throws `AMQPError.doesNotFitFrame`.
  package func send(_ method: Method, on channel: UInt16) throws(AMQPError) {
    try connection.send(method, on: channel)
  }

  /// Queues the method and the header of a message. The caller must send the body with `sendBody` before anything else
  /// on the channel. Throws `AMQPError.doesNotFitFrame`; then nothing is queued.
  package func send(
    _ method: Method, properties: BasicProperties, bodySize: UInt64, on channel: UInt16
  ) throws(AMQPError) {
    try connection.send(method, properties: properties, bodySize: bodySize, on: channel)
  }

  /// Whether the properties fit a frame of this connection.
  package func fits(_ properties: BasicProperties) -> Bool { connection.fits(properties) }

  /// Encodes what many messages on this connection have in common. Throws `AMQPError.doesNotFitFrame`.
  package func template(_ method: Method, _ properties: BasicProperties) throws(AMQPError) -> MessageTemplate {
    try connection.template(method, properties)
  }

  /// Queues the method and the header of a message that has this template. The caller must send the body with
  /// `sendBody` before anything else on the channel. Throws `AMQPError.doesNotFitFrame`; then nothing is queued.
  package func send(
    _ template: MessageTemplate, messageID: ByteString, bodySize: UInt64, on channel: UInt16
  ) throws(AMQPError) {
    try connection.send(template, messageID: messageID, bodySize: bodySize, on: channel)
  }

  /// Queues the next part of the body of the message that was begun on the channel.
  package func sendBody(_ part: [UInt8], on channel: UInt16) {
    connection.sendBody(part[...], on: channel)
  }

  /// The number of bytes that are queued and not sent yet.
  package var unsentByteCount: Int { connection.output.count + (session?.ciphertext.count ?? 0) }

  /// Sends as many of the queued bytes as the socket takes. The next `process` reports a failure.
  package func flush() {
    guard case .talking(let socket) = state else { return }
    if let session { return flush(session, socket) }
    var sentCount = 0
    while sentCount < connection.output.count,
      case .bytes(let count)? = try? socket.write(connection.output[sentCount...])
    { sentCount += count }
    // Removing bytes moves the rest, so this is done only once.
    connection.output.removeFirst(sentCount)
  }

  /// The maximum number of bytes that are encrypted before the socket takes them.
  static let maxPlaintextSize = 65_536

  var hasSomethingToSend: Bool {
    guard let session else { return !connection.output.isEmpty }
    return !session.ciphertext.isEmpty || (session.isEstablished && !connection.output.isEmpty && sendFailure == nil)
  }

  func flush(_ session: TLSSession, _ socket: TCPSocket) {
    var encryptedCount = 0
    defer { connection.output.removeFirst(encryptedCount) }
    while true {
      while !session.ciphertext.isEmpty {
        guard case .bytes(let count)? = try? socket.write(session.ciphertext[...]) else { return }
        session.ciphertext.removeFirst(count)
      }
      let rest = connection.output[encryptedCount...].prefix(Self.maxPlaintextSize)
      guard session.isEstablished, !rest.isEmpty, sendFailure == nil else { return }
      do { try session.send(rest) } catch { return sendFailure = error }
      encryptedCount += rest.count
    }
  }
}
