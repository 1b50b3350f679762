package import AMQP

/// A queue of work, with those that go with it: one for items that are to be tried again later, one that shows how many of
/// these have not come back, and one for items that nobody should try again. What they are called and how they are declared
/// stands here alone.
///
/// The queue dead-letters into the last one only. A way back would be a cycle, and a broker drops what goes round
/// one without a client's reject, silently.
package struct WorkQueue: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case quorum
    case classic
  }

  /// The maximum size of the name in bytes, so that the names of the related queues are short strings, too.
  package static let maxNameSize = ShortString.maxSize - ".retry".utf8.count

  /// Above what any item gets to. A quorum queue of RabbitMQ 4 has a limit of 20 unless another one is given, and
  /// drops an item that came back more often. There -1 means no limit, but to 3.10 it means that none may come back.
  private static let noDeliveryLimit: FieldValue = .int64(1_000_000_000)

  package let name: String

  package init(_ name: String) { self.name = name }

  /// Where items wait, each for as long as its expiration says, and then go back to the queue.
  package var retryName: String { name + ".retry" }
  package var deadName: String { name + ".dead" }
  /// Has a mark, a message without a body, for each item that was put into the retry queue and has not come back. It can be
  /// where no client sees it: RabbitMQ tries for minutes to hand it on to a queue that is full, or was away.
  package var marksName: String { name + ".marks" }

  /// The one that all of them belong to, whichever of them this one is.
  package var family: WorkQueue {
    let ends = [".retry", ".dead", ".marks"]
    return ends.first(where: name.hasSuffix).map { WorkQueue(String(name.dropLast($0.count))) } ?? self
  }

  /// The queue's own, and then the others'.
  package var names: [String] { [name, retryName, marksName, deadName] }

  /// The queue's own declaration. `others` are further arguments, none of them of `ownArguments`.
  package func declaration(_ kind: Kind, others: FieldTable = FieldTable()) -> Method.QueueDeclaration {
    var arguments = ownArguments(kind)
    arguments.entries += others.entries
    return .init(name: ByteString(name), arguments: arguments)
  }

  package var retryDeclaration: Method.QueueDeclaration {
    .init(name: ByteString(retryName), arguments: Self.arguments(.quorum, deadLetteringInto: name))
  }

  package var deadDeclaration: Method.QueueDeclaration { Self.lasting(deadName) }
  package var marksDeclaration: Method.QueueDeclaration { Self.lasting(marksName) }

  /// The properties of a mark.
  package static let mark: BasicProperties = {
    var properties = BasicProperties()
    properties.deliveryMode = 2
    return properties
  }()

  /// In the order in which they are to be made, before the queue itself: nothing may lead to a queue that is not there.
  package var otherDeclarations: [Method.QueueDeclaration] { [deadDeclaration, marksDeclaration, retryDeclaration] }

  private static func lasting(_ name: String) -> Method.QueueDeclaration {
    .init(
      name: ByteString(name), arguments: ["x-queue-type": type(.quorum), "x-delivery-limit": noDeliveryLimit])
  }

  /// A queue that stands alone.
  package func plainDeclaration(_ kind: Kind, others: FieldTable = FieldTable()) -> Method.QueueDeclaration {
    .init(name: ByteString(name), arguments: FieldTable(Self.plainArguments(kind).entries + others.entries))
  }

  /// The arguments with which the queue says what it is, and where its dead letters go.
  package func ownArguments(_ kind: Kind) -> FieldTable { Self.arguments(kind, deadLetteringInto: deadName) }

  /// The same of a queue that stands alone.
  package static func plainArguments(_ kind: Kind) -> FieldTable { ["x-queue-type": type(kind)] }

  /// The argument by which a queue with these refuses what comes when it is full. What a retry queue hands back to such a
  /// queue is held up for minutes, where no client can see it.
  package static func refusingLimit(_ arguments: FieldTable) -> ByteString? {
    guard case .string(let overflow)? = arguments["x-overflow"], overflow != "drop-head" else { return nil }
    return ["x-max-length", "x-max-length-bytes"].first { arguments[$0] != nil }
  }

  /// At least once where the queue can: then an item is kept until it is in the other queue.
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
