package import AMQP

/// Finds out what a queue was declared with, by declaring it again: that has no effect on a queue that is there, and each
/// refusal names one argument that differs, and what the queue has in its place.
///
/// It begins with what `WorkQueue` declares, so that with such a queue nothing is refused, and nothing written to the broker's
/// log. One more argument, which queues of these types do not take, keeps a queue from being made where there is none: RabbitMQ
/// looks at it only then.
package struct DeclarationInquiry: Hashable, Sendable {
  package enum Finding: Hashable, Sendable {
    /// To be asked again, with the `declaration` that has been corrected.
    case corrected
    /// It has nothing that differs any more, or nothing that could be read.
    case known
    /// It may go before its items do.
    case transient(Transience)
    /// It is of a type that gives no item back, or that nobody knows.
    case otherType(String)
    case missing
    /// The refusal is none of those that are known.
    case unknown
  }

  /// Why a queue may go before its items do.
  package enum Transience: Hashable, Sendable {
    case notDurable
    case autoDelete
    case exclusive
  }

  /// As many as any queue has arguments.
  private static let mostQuestions = 24

  private let queue: WorkQueue
  private var arguments: FieldTable
  private var questionCount = 1
  /// It is known whether it is durable, no connection's own, and outlives its consumers.
  package private(set) var isTransienceKnown = false
  /// What of that is otherwise, as far as it has been found and is part of the declaration.
  package private(set) var transience: [Transience] = []
  /// The type of the latest question has been confirmed, since nothing that is compared before it differs any more.
  package private(set) var isTypeKnown = false

  package init(_ queue: WorkQueue) {
    self.queue = queue
    arguments = queue.declaration(.quorum).arguments
  }

  package var declaration: Method.QueueDeclaration {
    Self.comparison(
      .init(
        name: ByteString(queue.name), isDurable: !transience.contains(.notDurable),
        isAutoDelete: transience.contains(.autoDelete), arguments: arguments))
  }

  /// Only streams take it, and of another type.
  private static let notTaken = FieldTable.Entry(
    name: "x-stream-max-segment-size-bytes", value: .string("amqp-job"))

  /// The same declaration, which makes no queue, and is compared with one that is there.
  package static func comparison(_ declaration: Method.QueueDeclaration) -> Method.QueueDeclaration {
    var declaration = declaration
    declaration.arguments.entries.append(notTaken)
    return declaration
  }

  /// Its dead letters go where `WorkQueue` has them go.
  package var isDeclared: Bool {
    arguments[Argument.exchange] == .string("") && arguments[Argument.routingKey] == .string(ByteString(queue.deadName))
  }

  /// The argument that has it refuse what comes when it is full, if any.
  package var lengthLimit: String? { WorkQueue.refusingLimit(arguments)?.description }

  package var kind: WorkQueue.Kind? {
    guard isTypeKnown, case .string(let name)? = arguments[Argument.type] else { return nil }
    return WorkQueue.Kind(rawValue: name.description)
  }

  /// What it is, but for the queues beside it.
  package var standing: QueueTopology {
    guard case .string(let exchange)? = arguments[Argument.exchange] else {
      return arguments[Argument.exchange] == nil ? .plain(kind) : .deadLettering(nil)
    }
    guard case .string(let key)? = arguments[Argument.routingKey] else {
      return .deadLettering(DeadLetterTarget(exchange: exchange.description))
    }
    return .deadLettering(DeadLetterTarget(exchange: exchange.description, routingKey: key.description))
  }

  /// The broker has accepted the declaration.
  package mutating func accepted() {
    isTransienceKnown = true
    isTypeKnown = true
  }

  /// The broker has refused the declaration.
  package mutating func refused(_ reason: CloseReason) -> Finding {
    switch DeclarationRefusal(reason, of: declaration) {
    case .notTaken: return .missing
    case .differs("durable", _): return .transient(.notDurable)
    case .differs("auto_delete", _), .differs("auto-delete", _): return .transient(.autoDelete)
    case .differs("exclusive", _): return .transient(.exclusive)
    case .differs(let name, let current) where name.utf8.starts(with: "x-".utf8):
      isTransienceKnown = true
      questionCount += 1
      guard questionCount <= Self.mostQuestions else { return isDeclared ? .unknown : .known }
      return correct(ByteString(name), current)
    case .differs, nil: return .unknown
    }
  }

  /// Goes on with a queue that was found to be transient; false where nobody can, since it belongs to another connection, or has
  /// been found so already.
  package mutating func accept(_ found: Transience) -> Bool {
    guard found != .exclusive, !transience.contains(found) else { return false }
    transience.append(found)
    return true
  }

  private enum Argument {
    static let exchange: ByteString = "x-dead-letter-exchange"
    static let routingKey: ByteString = "x-dead-letter-routing-key"
    static let overflow: ByteString = "x-overflow"
    static let type: ByteString = "x-queue-type"
  }

  /// RabbitMQ compares the dead-letter exchange first, then its routing key, and the type near the end.
  private mutating func correct(_ name: ByteString, _ current: DeclarationRefusal.Current) -> Finding {
    switch (name, current) {
    // Without one there is nothing else about dead letters. What cannot be read shows when it is asked for without.
    case (Argument.exchange, .nothing): arguments = Self.plain([])
    case (Argument.exchange, .unreadable) where arguments[name] != nil: arguments = Self.plain([])
    case (Argument.exchange, .unreadable):
      arguments.append(name, .void)
      return .known
    case (Argument.exchange, .value(let value)): arguments = Self.plain([.init(name: name, value: value)])
    case (Argument.routingKey, _):
      let exchange = arguments[Argument.exchange].map { [FieldTable.Entry(name: Argument.exchange, value: $0)] } ?? []
      guard let key = Self.entry(name, current) else { return .known }
      arguments = Self.plain(exchange + key)
    case (Argument.overflow, .nothing) where isDeclared, (Argument.type, .nothing) where isDeclared:
      arguments = queue.declaration(.classic).arguments
    case (Argument.type, .nothing): set(name, .string(ByteString(WorkQueue.Kind.classic.rawValue)))
    case (Argument.type, .value(.string(let type))):
      guard WorkQueue.Kind(rawValue: type.description) != nil else {
        return .otherType(type == "stream" ? "it is a stream" : "its type is '\(type)'")
      }
      set(name, .string(type))
      isTypeKnown = true
    case (_, .nothing): set(name, nil)
    case (_, .value(let value)): set(name, value)
    // A refusal of a long name is cut short. What a queue with retries has there may be a length limit.
    case (Argument.overflow, .unreadable) where isDeclared && !isGuessedClassic,
      (Argument.type, .unreadable) where isDeclared && !isGuessedClassic:
      arguments = queue.declaration(.classic).arguments
    case (_, .unreadable): return isDeclared ? .unknown : .known
    }
    return .corrected
  }

  private var isGuessedClassic: Bool { arguments == queue.declaration(.classic).arguments }

  /// nil where it cannot be read.
  private static func entry(_ name: ByteString, _ current: DeclarationRefusal.Current) -> [FieldTable.Entry]? {
    switch current {
    case .nothing: []
    case .value(let value): [.init(name: name, value: value)]
    case .unreadable: nil
    }
  }

  private static func plain(_ deadLettering: [FieldTable.Entry]) -> FieldTable {
    FieldTable(
      [.init(name: Argument.type, value: .string(ByteString(WorkQueue.Kind.classic.rawValue)))] + deadLettering)
  }

  private mutating func set(_ name: ByteString, _ value: FieldValue?) {
    arguments.entries.removeAll { $0.name == name }
    if let value { arguments.append(name, value) }
  }
}
