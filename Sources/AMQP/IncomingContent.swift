/// A message of which not every frame has come yet.
struct IncomingContent {
  /// What is announced is believed up to here. More is reserved only as it comes.
  private static let mostReserved = 16 << 20

  let method: Method
  private var header: (properties: BasicProperties, size: UInt64)?
  private var receivedCount: UInt64 = 0
  /// Whether the body stays here until it is whole.
  private var isCollected = false
  private var body: [UInt8] = []

  init(method: Method) { self.method = method }

  var hasHeader: Bool { header != nil }
  var bodySize: UInt64 { header?.size ?? 0 }

  var isComplete: Bool { header.map { receivedCount >= $0.size } ?? false }

  mutating func begin(_ properties: BasicProperties, bodySize: UInt64, largestInMemory: Int) {
    header = (properties, bodySize)
    // Of a returned message nobody wants the body: who published it has it.
    guard method.bringsItem else { return }
    isCollected = bodySize <= UInt64(clamping: largestInMemory)
    if isCollected { body.reserveCapacity(Int(min(bodySize, UInt64(Self.mostReserved)))) }
  }

  /// Takes the next bytes of the body, and returns them where they are to be handed on at once.
  /// - Throws: `AMQPError.protocolViolation` where they are more than was announced.
  mutating func append(_ bytes: ArraySlice<UInt8>) throws -> [UInt8]? {
    guard let header, UInt64(bytes.count) <= header.size - receivedCount else {
      throw AMQPError.protocolViolation("a message body larger than announced")
    }
    receivedCount += UInt64(bytes.count)
    if isCollected {
      body.append(contentsOf: bytes)
      return nil
    }
    guard method.bringsItem, !bytes.isEmpty else { return nil }
    return Array(bytes)
  }

  /// What is known of a message whose body is handed on in parts, before the first of them.
  var announcement: Delivery? {
    guard let (properties, size) = header, !isCollected else { return nil }
    return method.delivery(properties, body: [], bodySize: size)
  }

  /// What the whole message means.
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
  fileprivate var bringsItem: Bool {
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
