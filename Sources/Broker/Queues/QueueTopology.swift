/// The queues and exchanges that belong to a queue. They decide what happens to an item that is requeued too often, and
/// whether failed items have queues of their own.
package enum QueueTopology: Hashable, Sendable {
  /// The queue has the retry queue and the dead-letter queue that `WorkQueue` describes.
  case declared
  /// The queue stands alone. A delivery limit drops items that are requeued too often. The kind is nil if it is not
  /// known.
  case plain(WorkQueue.Kind?)
  /// The queue has a dead-letter exchange of its owner, which gets the items that are requeued too often. The target is
  /// nil if the name of the exchange is not known.
  case deadLettering(DeadLetterTarget?)
}

/// The target of dead letters that the arguments of a queue specify.
package struct DeadLetterTarget: Hashable, Sendable {
  package var exchange: String
  /// The routing key; nil if dead letters keep the routing key with which they were published.
  package var routingKey: String?

  package init(exchange: String, routingKey: String? = nil) {
    self.exchange = exchange
    self.routingKey = routingKey
  }

  /// What the target is, as messages name it.
  package var kind: String { exchange.isEmpty ? "queue" : "exchange" }
  package var name: String { exchange.isEmpty ? routingKey ?? "" : exchange }
}
