package import AMQP

/// A work queue with the queues that belong to it: retry queues for items that are tried again later, a queue of marks
/// that shows how many of these have not come back, and a dead-letter queue for items that nobody should try again. All
/// their names and declarations are defined here.
///
/// The work queue dead-letters only to the dead-letter queue. A way back would be a cycle. A broker silently drops
/// messages that go round a cycle without having been rejected by a client.
package struct WorkQueue: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case quorum
    case classic
  }

  /// The maximum size of the name in bytes, so that the names of the related queues are short strings, too. The names of
  /// further retry queues are longer.
  package static let maxNameSize = ShortString.maxSize - ".retry".utf8.count

  /// The largest number of a retry queue.
  package static let maxRetryLevel = 32

  /// A number that no item reaches. A quorum queue of RabbitMQ 4 has a delivery limit of 20 by default, and drops items
  /// that return more often. In RabbitMQ 4 the value -1 means no limit, but in 3.10 it means that no item may return.
  private static let noDeliveryLimit: FieldValue = .int64(1_000_000_000)

  package let name: String

  package init(_ name: String) { self.name = name }

  /// The queue where items wait until their expiration, and then return to the work queue.
  package var retryName: String { name + ".retry" }
  /// The retry queue with this number. The first one is `retryName`.
  package func retryName(level: Int) -> String { level == 1 ? retryName : "\(retryName).\(level)" }
  /// The names of this many retry queues, in order.
  package func retryNames(levels: Int) -> [String] { (1...levels).map { retryName(level: $0) } }
  package var deadName: String { name + ".dead" }
  /// Where the declared queue's dead letters go.
  package var deadLetterTarget: DeadLetterTarget { DeadLetterTarget(exchange: "", routingKey: deadName) }
  /// The queue that has a mark, which is a message without a body, for each item that was put into the retry queue and
  /// has not come back. Such an item may be invisible to clients: RabbitMQ tries for minutes to pass it on to a queue
  /// that is full or was unavailable.
  package var marksName: String { name + ".marks" }

  /// The work queue of the family to which this queue belongs.
  package var family: WorkQueue {
    let (name, ends) = (nameWithoutLevel, [".retry", ".dead", ".marks"])
    return ends.first(where: name.hasSuffix).map { WorkQueue(String(name.dropLast($0.count))) } ?? self
  }

  /// Whether this is the name of one of the retry queues.
  package func isRetryName(_ name: String) -> Bool { WorkQueue(name).nameWithoutLevel == retryName }

  /// The name, without the number of a further retry queue.
  private var nameWithoutLevel: String {
    guard let dot = name.lastIndex(of: "."), name[..<dot].hasSuffix(".retry"),
      let level = Int(name[name.index(after: dot)...]), (2...Self.maxRetryLevel).contains(level),
      name.hasSuffix(".\(level)")
    else { return name }
    return String(name[..<dot])
  }

  /// The work queue beside which `amqp-job declare` makes a queue of this name, for the use of runners alone. nil for any other
  /// name, and for that of a dead-letter queue, which others may use as well.
  package var owner: WorkQueue? {
    let family = family
    return name == family.marksName || family.isRetryName(name) ? family : nil
  }

  /// The predicate of a sentence about a queue that has an `owner`.
  package var purpose: String {
    let family = family
    return name == family.marksName
      ? "counts the retried items of queue '\(family.name)', by one message each"
      : "holds failed items of queue '\(family.name)' until they are retried"
  }

  /// The name of the work queue, and then those of the related queues that it always has.
  package var names: [String] { [name, retryName, marksName, deadName] }

  /// The declaration of the work queue. `others` are further arguments, which must not be among `ownArguments`.
  package func declaration(_ kind: Kind, others: FieldTable = FieldTable()) -> Method.QueueDeclaration {
    var arguments = ownArguments(kind)
    arguments.entries += others.entries
    return .init(name: ByteString(name), arguments: arguments)
  }

  package var retryDeclaration: Method.QueueDeclaration { retryDeclaration(level: 1) }

  package func retryDeclaration(level: Int) -> Method.QueueDeclaration {
    .init(name: ByteString(retryName(level: level)), arguments: Self.arguments(.quorum, deadLetteringInto: name))
  }

  package var deadDeclaration: Method.QueueDeclaration { Self.lasting(deadName) }
  package var marksDeclaration: Method.QueueDeclaration { Self.lasting(marksName) }

  /// The properties of a mark.
  package static let mark: BasicProperties = {
    var properties = BasicProperties()
    properties.deliveryMode = 2
    return properties
  }()

  /// The declarations of the related queues, with this many retry queues, in order. They are made before the work queue,
  /// because no queue may dead-letter to a missing one.
  package func otherDeclarations(retryLevels: Int) -> [Method.QueueDeclaration] {
    [deadDeclaration, marksDeclaration] + (1...retryLevels).map { retryDeclaration(level: $0) }
  }

  private static func lasting(_ name: String) -> Method.QueueDeclaration {
    .init(
      name: ByteString(name), arguments: ["x-queue-type": type(.quorum), "x-delivery-limit": noDeliveryLimit])
  }

  /// The declaration of a queue that stands alone.
  package func plainDeclaration(_ kind: Kind, others: FieldTable = FieldTable()) -> Method.QueueDeclaration {
    .init(name: ByteString(name), arguments: FieldTable(Self.plainArguments(kind).entries + others.entries))
  }

  /// The arguments that specify the type of the work queue and where its dead letters go.
  package func ownArguments(_ kind: Kind) -> FieldTable { Self.arguments(kind, deadLetteringInto: deadName) }

  /// The same arguments of a queue that stands alone.
  package static func plainArguments(_ kind: Kind) -> FieldTable { ["x-queue-type": type(kind)] }

  /// The argument because of which a full queue with these arguments rejects messages. A retry queue cannot return
  /// items to such a queue for minutes, and no client can see them in that time.
  package static func refusingLimit(_ arguments: FieldTable) -> ByteString? {
    guard case .string(let overflow)? = arguments["x-overflow"], overflow != "drop-head" else { return nil }
    return ["x-max-length", "x-max-length-bytes"].first { arguments[$0] != nil }
  }

  /// Quorum queues dead-letter at least once: they keep an item until it is in the other queue.
  private static func arguments(_ kind: Kind, deadLetteringInto target: String) -> FieldTable {
    var arguments: FieldTable = [
      "x-queue-type": type(kind), "x-dead-letter-exchange": .string(""),
      "x-dead-letter-routing-key": .string(ByteString(target)),
    ]
    if kind == .quorum {
      arguments.append("x-dead-letter-strategy", .string("at-least-once"))
      arguments.append("x-overflow", .string("reject-publish"))
    }
    return arguments
  }

  private static func type(_ kind: Kind) -> FieldValue { .string(ByteString(kind.rawValue)) }
}
