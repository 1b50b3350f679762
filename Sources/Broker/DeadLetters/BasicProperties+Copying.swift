package import AMQP

/// The properties of a copy, which is a message that is published again.
extension BasicProperties {
  /// The properties of a persistent copy with these additional headers.
  ///
  /// The copy keeps all properties except the headers of the broker and of amqp-job, and the user id, because a broker
  /// refuses the id of another user.
  package func copied(adding headers: [FieldTable.Entry]) -> BasicProperties {
    var copy = withoutBrokerHeaders().withoutItemHeaders()
    copy.deliveryMode = 2
    copy.userID = nil
    if !headers.isEmpty { copy.headers = FieldTable((copy.headers?.entries ?? []) + headers) }
    return copy
  }

  /// The properties with a header that contains their encoded form, if they cannot be decoded. Otherwise the properties
  /// are unchanged.
  package func withUndecodableAsHeader() -> BasicProperties {
    guard let undecodable else { return self }
    var properties = BasicProperties()
    properties.headers = [ItemHeader.properties: .bytes(undecodable)]
    return properties
  }

  /// The properties without the headers that a broker adds or interprets. In a copy, the broker would continue its
  /// counts, and would also send the copy to the routing keys in `CC` and `BCC`.
  package func withoutBrokerHeaders() -> BasicProperties { without { Self.isBrokerHeader($0.description) } }

  /// The properties of an item that was delayed, as it was published: without the headers in which the broker records
  /// the delay. Those of any other item are unchanged.
  package func withoutDelay() -> BasicProperties {
    guard DelayLadder.isOnlyTrace(headers?["x-death"]) else { return self }
    return without { Self.isDeathHeader($0.description) }
  }

  /// The properties without the headers in which amqp-job records what happened to an item.
  package func withoutItemHeaders() -> BasicProperties {
    without { $0.description.hasPrefix(ItemHeader.prefix) && $0 != ItemHeader.properties }
  }

  private func without(_ condition: (ByteString) -> Bool) -> BasicProperties {
    guard var headers else { return self }
    headers.entries.removeAll { condition($0.name) }
    var properties = self
    properties.headers = headers.entries.isEmpty ? nil : headers
    return properties
  }

  private static let brokerHeaders: Set<String> = ["x-delivery-count", "x-acquired-count", "CC", "BCC"]

  package static func isBrokerHeader(_ name: String) -> Bool { brokerHeaders.contains(name) || isDeathHeader(name) }

  private static func isDeathHeader(_ name: String) -> Bool {
    name == "x-death" || name.hasPrefix("x-first-death-") || name.hasPrefix("x-last-death-")
  }
}

/// The headers in which amqp-job records what happened to an item.
package enum ItemHeader {
  package static let prefix = "x-amqp-job-"

  /// The queue from which the item was taken.
  package static let queue: ByteString = "x-amqp-job-queue"
  /// The exchange to which the item was first published.
  package static let exchange: ByteString = "x-amqp-job-exchange"
  /// The routing key with which the item was first published.
  package static let routingKey: ByteString = "x-amqp-job-routing-key"
  /// The number of attempts so far.
  package static let attempts: ByteString = "x-amqp-job-attempts"
  /// There were at least so many attempts, and perhaps others that nobody counted.
  package static let attemptsAreMinimum: ByteString = "x-amqp-job-attempts-minimum"
  /// The reason why the item was dead-lettered.
  package static let reason: ByteString = "x-amqp-job-reason"
  /// The exit status of the last worker.
  package static let status: ByteString = "x-amqp-job-status"
  /// The signal that killed the last worker, without the `SIG`.
  package static let signal: ByteString = "x-amqp-job-signal"
  /// The result of the last attempt of an item that will be tried again: why it failed, and how the worker ended.
  package static let lastReason: ByteString = "x-amqp-job-last-reason"
  package static let lastStatus: ByteString = "x-amqp-job-last-status"
  package static let lastSignal: ByteString = "x-amqp-job-last-signal"
  /// The end of the last worker's standard error, as UTF-8.
  package static let standardError: ByteString = "x-amqp-job-stderr"
  /// The step in which the last attempt failed.
  package static let step: ByteString = "x-amqp-job-step"
  package static let lastStep: ByteString = "x-amqp-job-last-step"
  /// How long a worker ran whose result this is. It is a whole number, because pika cuts off the fraction of another.
  package static let milliseconds: ByteString = "x-amqp-job-milliseconds"
  /// The host of the last attempt.
  package static let host: ByteString = "x-amqp-job-host"
  /// The time at which the item was dead-lettered.
  package static let time: ByteString = "x-amqp-job-time"
  /// The time at which the dead letter was last put back into its queue. From then on the item's age counts.
  package static let replayTime: ByteString = "x-amqp-job-replayed"
  /// The original, encoded properties of an item whose properties could not be decoded. Every later copy keeps this
  /// header.
  package static let properties: ByteString = "x-amqp-job-properties"
}
