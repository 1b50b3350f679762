/// What a queue is to those who consume from it: what becomes of an item that is given back too often, and whether
/// there are queues beside it for items that failed.
package enum QueueTopology: Hashable, Sendable {
  /// It has the retry and the dead-letter queue that `WorkQueue` describes.
  case declared
  /// It stands alone. A broker's limit drops what is given back too often. nil for a type that is not known.
  case plain(WorkQueue.Kind?)
  /// A dead-letter exchange of its owner's takes what is given back too often. nil where its name is not known.
  case deadLettering(DeadLetterTarget?)
}

/// Where a queue's own arguments send its dead letters.
package struct DeadLetterTarget: Hashable, Sendable {
  package var exchange: String
  /// nil for that with which each message was published.
  package var routingKey: String?

  package init(exchange: String, routingKey: String? = nil) {
    self.exchange = exchange
    self.routingKey = routingKey
  }
}
