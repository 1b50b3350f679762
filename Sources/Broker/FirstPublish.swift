package import AMQP

/// To which exchange a message was published at first, and by which routing key. Copies, and what a broker dead-letters
/// from one of the three queues into another, come by the default exchange and the name of a queue instead.
package struct FirstPublish: Hashable, Sendable {
  package let exchange: ByteString
  package let routingKey: ByteString

  /// Of a message that was delivered from `queue`, which may be any of the three.
  package init(of properties: BasicProperties, _ envelope: Envelope, from queue: WorkQueue) {
    self =
      Self.recorded(in: properties, envelope, from: queue)
      ?? FirstPublish(exchange: envelope.exchange, routingKey: envelope.routingKey)
  }

  private init(exchange: ByteString, routingKey: ByteString) {
    (self.exchange, self.routingKey) = (exchange, routingKey)
  }

  /// What its headers say; nil where they say nothing. Anybody can write headers, so they may hold anything: of what came by
  /// another exchange than copies do they are not believed.
  static func recorded(in properties: BasicProperties, _ envelope: Envelope, from queue: WorkQueue) -> FirstPublish? {
    guard envelope.exchange.isEmpty, let headers = properties.headers else { return nil }
    if case .string(let exchange)? = headers[ItemHeader.exchange],
      case .string(let routingKey)? = headers[ItemHeader.routingKey]
    {
      return FirstPublish(exchange: exchange, routingKey: routingKey)
    }
    return firstDeath(headers, in: queue.family.names)
  }

  /// Of the broker's list of deaths, which has the latest first. Those elsewhere were before the message came to `queues`
  /// (<https://www.rabbitmq.com/docs/dlx#effects>).
  private static func firstDeath(_ headers: FieldTable, in queues: [String]) -> FirstPublish? {
    guard case .array(let deaths)? = headers["x-death"] else { return nil }
    for case .table(let death) in deaths.reversed() {
      guard case .string(let queue)? = death["queue"], queues.contains(queue.description),
        case .string(let exchange)? = death["exchange"], case .array(let keys)? = death["routing-keys"],
        case .string(let routingKey)? = keys.first
      else { continue }
      return FirstPublish(exchange: exchange, routingKey: routingKey)
    }
    return nil
  }

  /// As headers for a copy.
  package var headers: [FieldTable.Entry] {
    [
      .init(name: ItemHeader.exchange, value: .string(exchange)),
      .init(name: ItemHeader.routingKey, value: .string(routingKey)),
    ]
  }
}
