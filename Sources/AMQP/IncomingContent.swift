/// A message whose frames have not all been received yet.
struct IncomingContent {
  /// The memory, in bytes, that is reserved because of an announced body size alone. A larger body gets its memory as it
  /// is received.
  private static let maxReservation = 16 << 20

  let method: Method
  private var header: (properties: BasicProperties, size: UInt64)?
  private var receivedCount: UInt64 = 0
  /// Whether the body is kept here until it is complete.
  private var isCollected = false
  private var body: [UInt8] = []

  init(method: Method) { self.method = method }

  var hasHeader: Bool { header != nil }
  var bodySize: UInt64 { header?.size ?? 0 }

  var isComplete: Bool { header.map { receivedCount >= $0.size } ?? false }

  mutating func begin(_ properties: BasicProperties, bodySize: UInt64, maxSizeInMemory: Int) {
    header = (properties, bodySize)
    // The body of a returned message is dropped: its publisher still has it.
    guard method.deliversMessage else { return }
    isCollected = bodySize <= UInt64(clamping: maxSizeInMemory)
    if isCollected { body.reserveCapacity(Int(min(bodySize, UInt64(Self.maxReservation)))) }
  }

  /// Takes the next bytes of the body. Returns them if the body is passed on in parts, and nil if it is kept here.
  /// Throws `AMQPError.protocolViolation` if the body becomes larger than its header announced.
  mutating func append(_ bytes: ArraySlice<UInt8>) throws(AMQPError) -> [UInt8]? {
    guard let header, UInt64(bytes.count) <= header.size - receivedCount else {
      throw AMQPError.protocolViolation("it sent a message body that is larger than its header announced")
    }
    receivedCount += UInt64(bytes.count)
    if isCollected {
      body.append(contentsOf: bytes)
      return nil
    }
    guard method.deliversMessage, !bytes.isEmpty else { return nil }
    return Array(bytes)
  }

  /// The delivery without its body, if the body is passed on in parts.
  var announcement: Delivery? {
    guard let (properties, size) = header, !isCollected else { return nil }
    return method.delivery(properties, body: [], bodySize: size)
  }

  /// The event that reports the complete message.
  func event(on channel: UInt16) -> Connection.Event? {
    guard let (properties, size) = header else { return nil }
    switch method {
    case .basicDeliver, .basicGetOK:
      return method.delivery(properties, body: body, bodySize: size).map { .delivered(channel: channel, $0) }
    case .basicReturn(let reason, _, _):
      return .returned(channel: channel, ReturnedMessage(reason: reason, properties: properties))
    default:
      return nil
    }
  }
}

extension Method {
  fileprivate var deliversMessage: Bool {
    switch self {
    case .basicDeliver, .basicGetOK: true
    default: false
    }
  }

  fileprivate func delivery(_ properties: BasicProperties, body: [UInt8], bodySize: UInt64) -> Delivery? {
    switch self {
    case .basicDeliver(let envelope), .basicGetOK(let envelope):
      Delivery(envelope: envelope, properties: properties, body: body, bodySize: bodySize)
    default: nil
    }
  }
}
