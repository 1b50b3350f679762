internal import AMQP
internal import Broker

/// The queue of a ledger.
package struct LedgerQueue: Hashable, Sendable {
  /// The maximum size of the name of a queue with a ledger in bytes, so that the names of all queues of the election fit.
  package static let maxQueueNameSize = 193

  static let consumerTag: ByteString = "ledger"
  /// The most that AMQP allows. The records are far fewer, and all of them are unsettled for as long as they are read.
  static let prefetchCount = UInt16.max
  /// A number of returns that no message reaches, on every version of RabbitMQ.
  private static let noDeliveryLimit: FieldValue = .int64(1_000_000_000)

  package let name: String

  /// The ledger of the names that are published into this queue.
  package init(of queue: String) { name = Self.election(of: queue) }

  /// The name of the election of the publishers.
  package static func election(of queue: String) -> String { queue + ".source" }

  /// With a single active consumer, nobody reads a ledger of which another one still holds records.
  func declaration(_ kind: WorkQueue.Kind) -> Method {
    var arguments: FieldTable = [
      "x-queue-type": .string(ByteString(kind.rawValue)), "x-single-active-consumer": .boolean(true),
    ]
    if kind == .quorum { arguments.append("x-delivery-limit", Self.noDeliveryLimit) }
    return .queueDeclare(.init(name: ByteString(name), arguments: arguments))
  }

  var consuming: [Method] {
    [
      .basicQoS(prefetchCount: Self.prefetchCount),
      .basicConsume(queue: ByteString(name), consumerTag: Self.consumerTag, arguments: [:]),
    ]
  }
}
