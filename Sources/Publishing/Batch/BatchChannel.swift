internal import AMQP
internal import Broker
internal import Linux

/// The channel of a batch publisher on one connection. It encodes items and sends large bodies in pieces.
final class BatchChannel {
  /// The body of an item could not be read to its end after its message was begun.
  struct BodyFailure: Error {
    let number: Int
    let reason: String
  }

  private struct Sending {
    let number: Int
    let body: InputBody
    var offset: UInt64
  }

  private static let number: UInt16 = 1

  let link: BrokerLink
  private let configuration: BatchConfiguration
  /// How to publish an item that is not delayed.
  private let method: Method
  private let properties: BasicProperties
  /// For the items that have no properties of their own.
  private var template: TimedTemplate
  private var sending: Sending?
  /// Whether the broker has not answered the preconditions yet.
  var isAsking: Bool

  /// Begins to connect. With `asks`, the broker is first asked whether the preconditions hold.
  init(to broker: BrokerURL, _ configuration: BatchConfiguration, asks: Bool) {
    let preconditions = asks ? configuration.allPreconditions : []
    isAsking = !preconditions.isEmpty
    self.configuration = configuration
    method = configuration.publishMethod(due: nil, now: .now)
    properties = configuration.properties
    template = TimedTemplate(properties)
    let methods = [.channelOpen] + preconditions + [.confirmSelect]
    link = BrokerLink(
      broker: broker, configuration.parameters(broker, methods, on: Self.number), access: configuration.access,
      now: .now)
  }

  /// Opens the channel again after the broker has closed it because the user may not ask for the preconditions.
  func reopenWithoutAsking() {
    isAsking = false
    do {
      for method in [Method.channelOpen, .confirmSelect] { try link.send(method, on: Self.number) }
    } catch { preconditionFailure("\(error)") }
  }

  /// Whether a body is being sent in pieces.
  var isSending: Bool { sending != nil }

  /// Sends an item, or its beginning if its body is sent in pieces. Throws `AMQPError.doesNotFitFrame`; then nothing
  /// was sent.
  func begin(_ item: Item) throws(AMQPError) {
    try sendHeader(of: item)
    if item.body.isSentInPieces {
      if item.body.size > 0 { sending = Sending(number: item.number, body: item.body, offset: 0) }
    } else if case .memory(let bytes) = item.body {
      link.sendBody(bytes, on: Self.number)
    }
  }

  private func sendHeader(of item: Item) throws(AMQPError) {
    let size = item.body.size
    let method = item.due.map { configuration.publishMethod(due: $0, now: .now) } ?? method
    guard item.properties == nil, item.correlationID == nil, let id = item.messageID else {
      var properties = item.properties?.value ?? properties
      properties.messageID = item.messageID
      properties.correlationID = item.correlationID ?? properties.correlationID
      properties.timestamp = properties.timestamp ?? item.timestamp
      return try link.send(method, properties: properties, bodySize: size, on: Self.number)
    }
    let template = try template.template(method, at: item.timestamp, for: link)
    try link.send(template, messageID: id, bodySize: size, on: Self.number)
  }

  /// Sends the next piece of the body. After an error the connection must not be used any more.
  func sendPiece() throws(BodyFailure) {
    guard var piece = sending else { return }
    sending = nil
    let bytes: [UInt8]
    do { bytes = try piece.body.read(at: piece.offset, atMost: BrokerLink.bodyPieceSize) } catch {
      throw BodyFailure(number: piece.number, reason: SystemError.reason(of: error))
    }
    guard !bytes.isEmpty else { throw BodyFailure(number: piece.number, reason: "it has become shorter") }
    link.sendBody(bytes, on: Self.number)
    piece.offset += UInt64(bytes.count)
    if piece.offset < piece.body.size { sending = piece }
  }
}
