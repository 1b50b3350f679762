package import AMQP

/// For a message that is published anew.
extension BasicProperties {
  /// Without the headers in which a broker counts, which it would take up again, and without those that would send
  /// the message elsewhere too.
  package func withoutBrokerHeaders() -> BasicProperties { without { Self.isBrokersOwn($0.description) } }

  /// Without the headers in which amqp-job keeps what became of an item.
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

  private static let brokersOwn: Set<String> = ["x-delivery-count", "x-acquired-count", "x-death", "CC", "BCC"]

  private static func isBrokersOwn(_ name: String) -> Bool {
    brokersOwn.contains(name)
      || name.hasPrefix("x-first-death-") || name.hasPrefix("x-last-death-")
  }
}

/// The headers in which amqp-job keeps what became of an item.
package enum ItemHeader {
  package static let prefix = "x-amqp-job-"

  /// The queue that it was taken from.
  package static let queue: ByteString = "x-amqp-job-queue"
  /// To which exchange it was published at first, and by which routing key.
  package static let exchange: ByteString = "x-amqp-job-exchange"
  package static let routingKey: ByteString = "x-amqp-job-routing-key"
  /// How many attempts it has behind it.
  package static let attempts: ByteString = "x-amqp-job-attempts"
  /// Why nobody should try it again.
  package static let reason: ByteString = "x-amqp-job-reason"
  /// The last worker's exit status.
  package static let status: ByteString = "x-amqp-job-status"
  /// The signal that killed the last worker, without the `SIG`.
  package static let signal: ByteString = "x-amqp-job-signal"
  /// How the last of them came out, where the item is to be tried again: why it failed, and the worker's end.
  package static let lastReason: ByteString = "x-amqp-job-last-reason"
  package static let lastStatus: ByteString = "x-amqp-job-last-status"
  package static let lastSignal: ByteString = "x-amqp-job-last-signal"
  /// The end of what the last worker wrote to its standard error, as UTF-8.
  package static let standardError: ByteString = "x-amqp-job-stderr"
  /// Where the last attempt was.
  package static let host: ByteString = "x-amqp-job-host"
  /// When it was dead-lettered.
  package static let time: ByteString = "x-amqp-job-time"
  /// Its properties as they came, of an item whose properties could not be read. It stays, whatever becomes of the item.
  package static let properties: ByteString = "x-amqp-job-properties"
}
