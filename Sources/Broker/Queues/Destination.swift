/// The destination of messages. An exchange chooses queues by the routing key. The default exchange, whose name is
/// empty, chooses the queue whose name is the routing key.
package struct Destination: Hashable, Sendable, CustomStringConvertible {
  package var exchange: String
  package var routingKey: String

  package init(exchange: String, routingKey: String) {
    self.exchange = exchange
    self.routingKey = routingKey
  }

  /// Whether a client waits there for the reply to its request (<https://www.rabbitmq.com/docs/direct-reply-to>). Such
  /// a destination is not a queue, and `mandatory` is of no use: RabbitMQ 3.10 and 4.0 deliver a mandatory message and
  /// return it as well, and 4.3 confirms it even if the client is gone. A passive declaration tells whether the client
  /// is there.
  package var isDirectReply: Bool { exchange.isEmpty && routingKey.hasPrefix("amq.rabbitmq.reply-to.") }

  /// The work queue beside which `amqp-job declare` makes a queue of this name, for the use of runners alone. nil for any other
  /// destination.
  package var owner: WorkQueue? { exchange.isEmpty ? WorkQueue(routingKey).owner : nil }

  package var description: String {
    exchange.isEmpty ? "queue '\(routingKey)'" : "exchange '\(exchange)' with the routing key '\(routingKey)'"
  }

  package static func queue(_ name: String) -> Destination { Destination(exchange: "", routingKey: name) }
}
