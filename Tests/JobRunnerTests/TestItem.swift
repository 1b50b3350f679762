import AMQP

@testable import JobRunner

extension WorkItem {
  /// An item of the queue `q` at this attempt, as its headers count.
  init(id: String? = nil, attempt: Int, timestamp: UInt64? = nil, bodySize: UInt64 = 0) {
    var properties = BasicProperties()
    (properties.messageID, properties.timestamp) = (id.map { ByteString($0) }, timestamp)
    properties.headers = ["x-amqp-job-attempts": .int64(Int64(attempt - 1))]
    let envelope = Envelope(consumerTag: "c", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")
    self.init(envelope: envelope, properties: properties, queue: "q")
    self.bodySize = bodySize
  }
}
