import Arguments

/// The options that several programs of amqp-tools have, besides those of the connection.
enum ToolOptions {
  static let queue = PoptOption.text("queue", short: "q", "queue", "the queue to consume from")
  static let exchange = PoptOption.text("exchange", short: "e", "exchange", "the exchange to publish to")
  static let routingKey = PoptOption.text("routing-key", short: "r", "routing key", "the routing key to publish with")
}
