internal import AMQP
internal import Broker

/// The queue of an election, and the methods that join it.
package struct ElectionQueue: Hashable, Sendable {
  /// The maximum size of an election's name in bytes, so that the name of each queue is a short string.
  package static let maxNameSize = 200

  static let channel: UInt16 = 1
  static let consumerTag: ByteString = "election"
  private static let answersTag: ByteString = "answers"
  /// More messages than there ever are at once. Questions are settled at once, and states soon.
  private static let prefetchCount: UInt16 = 1000
  /// A number of returns that no message reaches, on every version of RabbitMQ.
  private static let noDeliveryLimit: FieldValue = .int64(1_000_000_000)

  private let election: String

  /// Precondition: the name has at most `maxNameSize` bytes.
  package init(election: String) { self.election = election }

  package var name: String { election + ".election" }

  /// The beginning of the names of the queues in which candidates get answers.
  private var replyPrefix: String { name + "." }

  func replyTo(_ identity: UInt64) -> ByteString { ByteString(replyPrefix + String(identity, radix: 16)) }

  /// Whether this may be a queue for answers. No other queue is written to, whatever a message says.
  func isReplyTo(_ name: ByteString) -> Bool { name.bytes.starts(with: replyPrefix.utf8) }

  func declaration(_ kind: WorkQueue.Kind) -> Method {
    var arguments: FieldTable = [
      "x-queue-type": .string(ByteString(kind.rawValue)), "x-single-active-consumer": .boolean(true),
    ]
    if kind == .quorum { arguments.append("x-delivery-limit", Self.noDeliveryLimit) }
    return .queueDeclare(.init(name: ByteString(name), arguments: arguments))
  }

  /// What follows the declaration. The answer to the last method means that the candidate has joined.
  func joining(replyTo: ByteString) -> [Method] {
    [
      .queueDeclare(.init(name: replyTo, isDurable: false, isExclusive: true, isAutoDelete: true)), .confirmSelect,
      .basicQoS(prefetchCount: Self.prefetchCount),
      .basicConsume(queue: replyTo, consumerTag: Self.answersTag, arguments: [:]),
      .basicConsume(queue: ByteString(name), consumerTag: Self.consumerTag, arguments: [:]),
    ]
  }
}
