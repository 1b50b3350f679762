internal import AMQP

/// A queue that the runner declares for itself: not durable, and deleted with its last consumer.
public struct OwnQueue: Hashable, Sendable {
  /// For the runner's connection alone.
  public var isExclusive: Bool
  /// To which it is bound, by each of the keys; nil for none.
  public var exchange: String?
  public var routingKeys: [String]

  public init(isExclusive: Bool, exchange: String? = nil, routingKeys: [String] = []) {
    self.isExclusive = isExclusive
    self.exchange = exchange
    self.routingKeys = routingKeys
  }

  func declaration(name: String) -> Method {
    .queueDeclare(
      .init(name: ByteString(name), isDurable: false, isExclusive: isExclusive, isAutoDelete: true))
  }

  func bindings(name: String) -> [Method] {
    guard let exchange else { return [] }
    return routingKeys.map {
      .queueBind(queue: ByteString(name), exchange: ByteString(exchange), routingKey: ByteString($0))
    }
  }
}
