package import AMQP
internal import Linux
internal import TLS

/// Sending to the broker: methods and messages are queued, and `flush` writes as much of them as the socket takes.
extension BrokerLink {
  /// Queues a method; `flush` sends what is queued, in as few writes as it takes.
  /// - Throws: `AMQPError.doesNotFitFrame`
  package func send(_ method: Method, on channel: UInt16) throws {
    try connection.send(method, on: channel)
  }

  /// Queues `basic.publish` with its message.
  /// - Throws: `AMQPError.doesNotFitFrame`; then nothing is queued.
  package func send(
    _ method: Method, properties: BasicProperties, body: [UInt8], on channel: UInt16
  ) throws {
    try connection.send(method, properties: properties, body: body, on: channel)
  }

  /// Queues the beginning of a message. Its body has to follow, by `sendBody`, before anything else on the channel.
  /// - Throws: `AMQPError.doesNotFitFrame`; then nothing is queued.
  package func send(
    _ method: Method, properties: BasicProperties, bodySize: UInt64, on channel: UInt16
  ) throws {
    try connection.send(method, properties: properties, bodySize: bodySize, on: channel)
  }

  /// Whether a frame of this connection takes such properties.
  package func fits(_ properties: BasicProperties) -> Bool { connection.fits(properties) }

  /// What many messages of this connection have in common.
  /// - Throws: `AMQPError.doesNotFitFrame`
  package func template(_ method: Method, _ properties: BasicProperties) throws -> MessageTemplate {
    try connection.template(method, properties)
  }

  /// Queues the beginning of a message. Its body has to follow, by `sendBody`, before anything else on the channel.
  /// - Throws: `AMQPError.doesNotFitFrame`; then nothing is queued.
  package func send(_ template: MessageTemplate, messageID: ByteString, bodySize: UInt64, on channel: UInt16) throws {
    try connection.send(template, messageID: messageID, bodySize: bodySize, on: channel)
  }

  /// Queues the next bytes of the body of the message that was begun on the channel.
  package func sendBody(_ part: [UInt8], on channel: UInt16) {
    connection.sendBody(part[...], on: channel)
  }

  /// Bytes that are queued and not yet sent.
  package var unsentByteCount: Int { connection.output.count + (session?.ciphertext.count ?? 0) }

  /// Sends what can be sent now of what is queued. A failure shows at the next `process`.
  package func flush() {
    guard case .talking(let socket) = state else { return }
    if let session { return flush(session, socket) }
    var sentCount = 0
    while sentCount < connection.output.count,
      case .bytes(let count)? = try? socket.write(connection.output[sentCount...])
    { sentCount += count }
    // Once: it moves all that is left.
    connection.output.removeFirst(sentCount)
  }

  /// How much is encrypted ahead of what the socket takes.
  static let mostEncryptedAtOnce = 65_536

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
      let rest = connection.output[encryptedCount...].prefix(Self.mostEncryptedAtOnce)
      guard session.isEstablished, !rest.isEmpty, sendFailure == nil else { return }
      do { try session.send(rest) } catch { return sendFailure = error }
      encryptedCount += rest.count
    }
  }
}
