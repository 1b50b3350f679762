package import AMQP

/// The time after which the broker takes an unsettled item back from a consumer, as an argument of the queue. Not every
/// broker supports the argument (<https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout>).
package struct ConsumerTimeout: Hashable, Sendable {
  package static let argument: ByteString = "x-consumer-timeout"

  package let value: FieldValue

  /// Precondition: `duration` is positive.
  package init(_ duration: Duration) {
    value = .int64(Int64((duration / .milliseconds(1)).rounded()))
  }

  /// Whether the end of a consumer may mean that it kept an item for too long. Older brokers close the channel then.
  package static func mayCancel(_ version: ServerVersion?) -> Bool { version.map { $0 >= ServerVersion(4, 3) } ?? true }

  /// The reason why the broker does not support the argument, and what to do instead. It is nil if the broker supports
  /// it, or if that is not known.
  package static func unsupportedReason(_ version: ServerVersion?, _ kind: WorkQueue.Kind) -> String? {
    guard let version else { return nil }
    if version < ServerVersion(3, 12) {
      return "RabbitMQ \(version) takes none from a queue; set consumer_timeout in its rabbitmq.conf instead"
    }
    if version >= ServerVersion(4, 3), kind == .classic {
      return "RabbitMQ \(version) has none for classic queues, and never takes an item back from a consumer there; "
        + "a quorum queue has one"
    }
    return nil
  }
}
