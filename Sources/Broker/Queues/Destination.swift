/// Where messages go: an exchange decides by the routing key; the exchange without a name has it be a queue's.
package struct Destination: Hashable, Sendable, CustomStringConvertible {
  package var exchange: String
  package var routingKey: String

  package init(exchange: String, routingKey: String) {
    self.exchange = exchange
    self.routingKey = routingKey
  }

  /// A client waits there for the reply to a request of its own (<https://www.rabbitmq.com/docs/direct-reply-to>). It is no
  /// queue, and `mandatory` says nothing about it: RabbitMQ 3.10 and 4.0 deliver such a message and return it, too, and
  /// 4.3 confirms it though the client is gone. Who declares it is told whether the client is there.
  package var isDirectReply: Bool { exchange.isEmpty && routingKey.hasPrefix("amq.rabbitmq.reply-to.") }

  package var description: String {
    exchange.isEmpty ? "queue '\(routingKey)'" : "exchange '\(exchange)' with the routing key '\(routingKey)'"
  }

  package static func queue(_ name: String) -> Destination { Destination(exchange: "", routingKey: name) }
}
