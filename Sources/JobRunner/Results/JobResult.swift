internal import AMQP
internal import Broker
internal import Console
internal import Linux

/// What is published of a worker's result, apart from its body.
struct JobResult: Hashable, Sendable {
  let destination: Destination
  /// Why the result must not go there, whatever the broker says.
  let refusal: String?
  let properties: BasicProperties
  /// The worker exited 0.
  let isSuccess: Bool

  /// nil if the item asks for no result.
  init?(of ended: EndedJob, to target: ResultOptions.Target, host: String) {
    switch target {
    case .queue(let name): destination = .queue(name)
    case .replyTo:
      guard let name = ended.item.properties.replyTo else { return nil }
      destination = .queue(name.description)
    }
    let isOwn =
      destination.exchange.isEmpty && WorkQueue(destination.routingKey).family == WorkQueue(ended.item.queue).family
    refusal = isOwn ? "\(destination) is where the item comes from, or belongs to that queue" : nil
    var properties = BasicProperties()
    properties.deliveryMode = 2
    properties.correlationID = ended.item.properties.correlationID ?? ended.item.properties.messageID
    properties.headers = FieldTable(Self.headers(of: ended, host: host))
    self.properties = properties
    isSuccess = ended.outcome == .done
  }

  private static func headers(of ended: EndedJob, host: String) -> [FieldTable.Entry] {
    let status = ended.status.map { [FieldTable.Entry(name: ItemHeader.status, value: .int64(Int64($0.shellCode)))] }
    return (status ?? []) + [
      .init(name: ItemHeader.queue, value: .string(ByteString(ended.item.queue))),
      .init(name: ItemHeader.attempts, value: .int64(Int64(ended.item.attempt))),
      .init(name: ItemHeader.milliseconds, value: .int64(Int64(ended.duration / .milliseconds(1)))),
      .init(name: ItemHeader.host, value: .string(ByteString(host))),
    ]
  }
}
