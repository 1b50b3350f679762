internal import AMQP

/// A queue that the runner declares for itself. It is not durable, and is deleted with its last consumer.
package struct OwnQueue: Hashable, Sendable {
  /// Only the runner's connection may use the queue.
  package var isExclusive: Bool
  /// The exchange to which the queue is bound by each of the keys; nil for none.
  package var exchange: String?
  package var routingKeys: [String]

  package init(isExclusive: Bool, exchange: String? = nil, routingKeys: [String] = []) {
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
