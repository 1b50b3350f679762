package import AMQP

/// The exchange to which a message was first published, and the routing key. A copy, or a message that a broker
/// dead-letters from one of the related queues into another, arrives through the default exchange with the name of a
/// queue instead.
package struct FirstPublish: Hashable, Sendable {
  package let exchange: ByteString
  package let routingKey: ByteString

  /// The first publish of a message that was delivered from `queue`, which may be any of the related queues.
  package init(of properties: BasicProperties, _ envelope: Envelope, from queue: WorkQueue) {
    self =
      Self.recorded(in: properties, envelope, from: queue)
      ?? FirstPublish(exchange: envelope.exchange, routingKey: envelope.routingKey)
  }

  private init(exchange: ByteString, routingKey: ByteString) {
    (self.exchange, self.routingKey) = (exchange, routingKey)
  }

  /// The first publish that the headers record; nil if they record none. Anybody can write such headers, so they are
  /// trusted only in messages that arrived through the default exchange, as copies do.
  package static func recorded(
    in properties: BasicProperties, _ envelope: Envelope, from queue: WorkQueue
  ) -> FirstPublish? {
    guard envelope.exchange.isEmpty, let headers = properties.headers else { return nil }
    if let exchange = headers.string(ItemHeader.exchange),
      let routingKey = headers.string(ItemHeader.routingKey)
    {
      return FirstPublish(exchange: exchange, routingKey: routingKey)
    }
    return firstDeath(headers, in: queue.family)
  }

  /// The oldest death in `family`. The broker lists the latest death first. Deaths in other queues happened before the
  /// message came to these (<https://www.rabbitmq.com/docs/dlx#effects>).
  private static func firstDeath(_ headers: FieldTable, in family: WorkQueue) -> FirstPublish? {
    guard case .array(let deaths)? = headers["x-death"] else { return nil }
    for case .table(let death) in deaths.reversed() {
      guard let queue = death.string("queue"), WorkQueue(queue.description).family == family,
        let exchange = death.string("exchange"), case .array(let keys)? = death["routing-keys"],
        case .string(let routingKey)? = keys.first
      else { continue }
      return FirstPublish(exchange: exchange, routingKey: routingKey)
    }
    return nil
  }

  /// The headers that record it in a copy.
  package var headers: [FieldTable.Entry] {
    [
      .init(name: ItemHeader.exchange, value: .string(exchange)),
      .init(name: ItemHeader.routingKey, value: .string(routingKey)),
    ]
  }
}
