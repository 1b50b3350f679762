/// What a queue is to those who consume from it: what becomes of an item that is given back too often, and whether
/// there are queues beside it for items that failed.
public enum QueueStanding: Hashable, Sendable {
  /// It has the retry and the dead-letter queue that `WorkQueue` describes.
  case declared
  /// It stands alone. A broker's limit drops what is given back too often. nil for a type that is not known.
  case plain(WorkQueue.Kind?)
  /// A dead-letter exchange of its owner's takes what is given back too often. nil where its name is not known.
  case deadLettering(DeadLetterTarget?)
}

/// Where a queue's own arguments send its dead letters.
public struct DeadLetterTarget: Hashable, Sendable {
  public var exchange: String
  /// nil for that with which each message was published.
  public var routingKey: String?

  public init(exchange: String, routingKey: String? = nil) {
    self.exchange = exchange
    self.routingKey = routingKey
  }
}
