public import AMQP

/// One message as a unit of work.
public struct WorkItem: Hashable, Sendable {
  public var delivery: Delivery
  public var queue: String

  public init(delivery: Delivery, queue: String) {
    self.delivery = delivery
    self.queue = queue
  }

  /// Which attempt at the item this is, 1 the first. Quorum queues count the returns. Classic queues only remember that
  /// there was one: then it is the second at least.
  public var attempt: Int {
    if let count = delivery.properties.headers?["x-delivery-count"]?.integer, count >= 0 {
      return Int(count) + 1
    }
    return delivery.envelope.isRedelivered ? 2 : 1
  }

  /// The message's own id, where it has one.
  public var id: String? { delivery.properties.messageID?.description }
}
