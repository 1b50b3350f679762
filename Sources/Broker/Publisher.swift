public import AMQP

/// Publishes to one queue, or to one exchange: mandatory, and confirmed.
public final class Publisher {
  /// Where messages go: an exchange decides by the routing key; the exchange without a name has it be a queue's.
  public struct Destination: Hashable, Sendable {
    public var exchange: String
    public var routingKey: String

    public init(exchange: String, routingKey: String) {
      self.exchange = exchange
      self.routingKey = routingKey
    }

    public static func queue(_ name: String) -> Destination { Destination(exchange: "", routingKey: name) }
  }

  /// The most messages that are under way at a time, and the most bytes that wait to be sent.
  static let windowCount = 256
  static let windowBytes = 1 << 20

  private let session: BrokerSession
  private let method: Method
  private let onFlow: (String?) -> Void
  public private(set) var window = ConfirmWindow()

  static let channel: UInt16 = 1

  /// Makes sure of a queue before anything is published to it. `onFlow` is told why the broker stops to take
  /// messages, as it does when memory or disk run low, and nil when it goes on.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`
  public init(_ session: BrokerSession, to destination: Destination, onFlow: @escaping (String?) -> Void) throws {
    self.session = session
    method = .basicPublish(
      exchange: ByteString(destination.exchange), routingKey: ByteString(destination.routingKey), mandatory: true)
    self.onFlow = onFlow
    try session.openChannel(Self.channel)
    if destination.exchange.isEmpty { _ = try session.queueStatus(destination.routingKey, on: Self.channel) }
    _ = try session.call(.confirmSelect, on: Self.channel) { $0 == .confirmSelectOK ? true : nil }
  }

  /// Publishes one message, waiting first until there is room in the window.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`, `AMQPError.doesNotFitFrame`
  public func publish(_ body: [UInt8], _ properties: BasicProperties) throws {
    while window.outstandingCount >= Self.windowCount || session.unsentByteCount > Self.windowBytes {
      try take(session.nextEvent())
    }
    try session.publish(method, properties: properties, body: body, on: Self.channel)
    window.published(messageID: properties.messageID?.description)
    for event in try session.pump() { try take(event) }
  }

  /// Waits until the broker has said of every message what became of it.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`
  public func finish() throws {
    while window.outstandingCount > 0 { try take(session.nextEvent()) }
  }

  private func take(_ event: Connection.Event) throws {
    switch event {
    case .returned(_, let message):
      window.returned(messageID: message.properties.messageID?.description)
    case .method(_, .basicAck(let tag, let multiple)): window.confirmed(upTo: tag, multiple: multiple)
    case .method(_, .basicNack(let tag, let multiple, _)):
      window.rejected(upTo: tag, multiple: multiple)
    case .method(_, .channelClose(let reason)): throw BrokerSession.CallError.refused(reason)
    case .method(_, .connectionBlocked(let reason)): onFlow(reason)
    case .method(_, .connectionUnblocked): onFlow(nil)
    default: break
    }
  }
}
