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

  /// `cause` is why the item is not tried again; nil if it is done. The result itself is nil if the item asks for none.
  init?(
    of ended: EndedJob, _ cause: DeadLetterCause?, attempts: Int, host: String, to target: ResultOptions.Target
  ) {
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
    properties.headers = FieldTable(
      Self.endHeaders(of: ended, cause) + [
        .init(name: ItemHeader.queue, value: .string(ByteString(ended.item.queue))),
        .init(name: ItemHeader.attempts, value: .int64(Int64(attempts))),
        .init(name: ItemHeader.milliseconds, value: .int64(Int64(ended.duration / .milliseconds(1)))),
        .init(name: ItemHeader.host, value: .string(ByteString(host))),
      ])
    self.properties = properties
    isSuccess = cause == nil
  }

  /// How the job ended. A failure never has the status 0, even if its worker's was.
  private static func endHeaders(of ended: EndedJob, _ cause: DeadLetterCause?) -> [FieldTable.Entry] {
    var code = (ended.status ?? cause?.status)?.shellCode ?? 0
    if code == 0, case .failed(let failure) = ended.outcome { code = Int32(failure.exitStatus.rawValue) }
    let values: [(ByteString, FieldValue?)] = [
      (ItemHeader.status, .int64(Int64(code))),
      (ItemHeader.reason, cause.map { .string(ByteString($0.reason.rawValue)) }),
      (ItemHeader.step, cause?.step.map { .string(ByteString($0)) }),
    ]
    return values.compactMap { name, value in value.map { .init(name: name, value: $0) } }
  }
}
