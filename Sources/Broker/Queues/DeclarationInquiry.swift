package import AMQP

/// Finds out the arguments of an existing queue by declaring it again. Such a declaration does not change the queue.
/// Each refusal names one argument that differs, and its present value.
///
/// The first question is the declaration of `WorkQueue`. For such a queue nothing is refused, and nothing is written to
/// the broker's log. An additional argument, which queues of these types do not support, prevents the broker from
/// making a queue that does not exist. RabbitMQ checks that argument only then.
package struct DeclarationInquiry: Hashable, Sendable {
  package enum Finding: Hashable, Sendable {
    /// The `declaration` has been corrected, and has to be asked again.
    case corrected
    /// Nothing differs any more, or the next difference cannot be read.
    case known
    /// The queue may disappear before its items are done.
    case transient(Transience)
    /// The queue has a type that does not requeue items, or an unknown type.
    case otherType(String)
    case missing
    /// The refusal is not a known one.
    case unknown
  }

  /// The reason why a queue may disappear before its items are done.
  package enum Transience: Hashable, Sendable {
    case notDurable
    case autoDelete
    case exclusive
  }

  /// More than the number of arguments that a queue has.
  private static let maxQuestionCount = 24

  private let queue: WorkQueue
  private var arguments: FieldTable
  private var questionCount = 1
  /// Whether it is known that the queue is durable, is not exclusive and does not delete itself, except for
  /// `transience`.
  package private(set) var isTransienceKnown = false
  /// The reasons found so far for which the queue may disappear. They are part of the declaration.
  package private(set) var transience: [Transience] = []
  /// Whether the type in the latest question is confirmed, because no argument that is compared before it differs.
  package private(set) var isTypeKnown = false

  package init(_ queue: WorkQueue) {
    self.queue = queue
    arguments = queue.declaration(.quorum).arguments
  }

  /// Begins with a queue without dead letters. That question needs no permission but the one to configure the queue.
  package init(plain queue: WorkQueue) {
    self.queue = queue
    arguments = Self.plain([])
  }

  package var declaration: Method.QueueDeclaration {
    Self.comparison(
      .init(
        name: ByteString(queue.name), isDurable: !transience.contains(.notDurable),
        isAutoDelete: transience.contains(.autoDelete), arguments: arguments))
  }

  /// Only streams support this argument, and with a value of another type.
  private static let unsupported = FieldTable.Entry(
    name: "x-stream-max-segment-size-bytes", value: .string("amqp-job"))

  /// A declaration that is compared with an existing queue, but never makes one.
  package static func comparison(_ declaration: Method.QueueDeclaration) -> Method.QueueDeclaration {
    var declaration = declaration
    declaration.arguments.entries.append(unsupported)
    return declaration
  }

  /// Whether the queue dead-letters to the queue that `WorkQueue` specifies.
  package var isDeclared: Bool {
    arguments[Argument.exchange] == .string("") && arguments[Argument.routingKey] == .string(ByteString(queue.deadName))
  }

  /// The argument because of which the full queue rejects messages, if there is one.
  package var lengthLimit: String? { WorkQueue.refusingLimit(arguments)?.description }

  package var kind: WorkQueue.Kind? {
    guard isTypeKnown, case .string(let name)? = arguments[Argument.type] else { return nil }
    return WorkQueue.Kind(rawValue: name.description)
  }

  /// The topology of the queue, apart from the existence of the related queues.
  package var standing: QueueTopology {
    guard case .string(let exchange)? = arguments[Argument.exchange] else {
      return arguments[Argument.exchange] == nil ? .plain(kind) : .deadLettering(nil)
    }
    guard case .string(let key)? = arguments[Argument.routingKey] else {
      return .deadLettering(DeadLetterTarget(exchange: exchange.description))
    }
    return .deadLettering(DeadLetterTarget(exchange: exchange.description, routingKey: key.description))
  }

  /// Notes that the broker has accepted the declaration.
  package mutating func accepted() {
    isTransienceKnown = true
    isTypeKnown = true
  }

  /// Takes a refusal of the declaration.
  package mutating func refused(_ reason: CloseReason) -> Finding {
    switch DeclarationRefusal(reason, of: declaration) {
    case .unsupported: return .missing
    case .differs("durable", _): return .transient(.notDurable)
    case .differs("auto_delete", _), .differs("auto-delete", _): return .transient(.autoDelete)
    case .differs("exclusive", _): return .transient(.exclusive)
    case .differs(let name, let current) where name.utf8.starts(with: "x-".utf8):
      isTransienceKnown = true
      questionCount += 1
      guard questionCount <= Self.maxQuestionCount else { return isDeclared ? .unknown : .known }
      return correct(ByteString(name), current)
    case .differs, nil: return .unknown
    }
  }

  /// Continues with a queue that may disappear. Returns false if this is impossible, because the queue belongs to
  /// another connection, or because the same reason was found before.
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
    // Without a dead-letter exchange there are no other arguments about dead letters. A value that cannot be read shows
    // if the next question omits it.
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
    // The refusal of a long name is truncated. A queue with retries may have a length limit there.
    case (Argument.overflow, .unreadable) where isDeclared && !isGuessedClassic,
      (Argument.type, .unreadable) where isDeclared && !isGuessedClassic:
      arguments = queue.declaration(.classic).arguments
    case (_, .unreadable): return isDeclared ? .unknown : .known
    }
    return .corrected
  }

  private var isGuessedClassic: Bool { arguments == queue.declaration(.classic).arguments }

  /// The result is nil if the value cannot be read.
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
