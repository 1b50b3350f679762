import AMQP
import Arguments
import Broker
import JobRunner

/// What `declare` makes of its options.
struct QueueSetUp {
  private let queue: WorkQueue
  private let isPlain: Bool
  private let kind: WorkQueue.Kind
  private let consumerTimeout: ConsumerTimeout?
  private let others: FieldTable
  private let exchange: String?
  private let routingKey: String?

  /// - Throws: `Failure`, `UsageError`
  init(_ queue: WorkQueue, isPlain: Bool, _ settings: inout Settings) throws {
    self.queue = queue
    self.isPlain = isPlain
    kind = try settings.choice("type") ?? .quorum
    (exchange, routingKey) = try (settings.name("exchange"), settings.name("routing-key"))
    guard exchange != nil || routingKey == nil else { throw UsageError("--routing-key goes with --exchange") }
    guard [exchange, routingKey].allSatisfy({ ($0?.utf8.count ?? 0) <= 255 }) else {
      throw UsageError("--exchange and --routing-key have at most 255 bytes")
    }
    let timeout = try settings.duration("consumer-timeout")
    guard timeout.map({ $0 >= .seconds(1) && $0 <= .seconds(UInt32.max) }) != false else {
      throw UsageError("--consumer-timeout is at least 1s")
    }
    consumerTimeout = timeout.map { ConsumerTimeout($0) }
    let fields = try FieldArgument.all("arg", &settings)
    try Self.check(fields.map(\.name), reserved: isPlain ? [] : WorkQueue.reservedArguments(kind))
    others = FieldTable(fields.map { .init(name: ByteString($0.name), value: $0.value) })
    try checkLimit()
  }

  /// What its retry queue hands back would be held up.
  private func checkLimit() throws {
    guard !isPlain, let limit = WorkQueue.refusingLimit(queue.declaration(kind, others: others).arguments) else {
      return
    }
    throw Failure(
      .wrongQueue,
      "--arg \(limit)=... does not go with a retry queue: a full queue refuses the items that are to come back, and they are "
        + "held up out of sight; use --plain for '\(queue.name)' alone")
  }

  private static func check(_ names: [String], reserved: [ByteString]) throws {
    for (name, option) in [("x-queue-type", "type"), (ConsumerTimeout.argument.description, "consumer-timeout")]
    where names.contains(name) {
      throw UsageError("--arg \(name)=... is --\(option)")
    }
    if let taken = names.first(where: { reserved.contains(ByteString($0)) }) {
      throw UsageError("--arg \(taken)=... would keep dead letters from their queue; it goes with --plain")
    }
  }

  /// Makes what is not there; nothing where something is there that was declared otherwise.
  /// - Throws: `Failure`, `BrokerFailure`, `BrokerSession.CallError`
  func make(_ session: BrokerSession, _ reporter: Reporter) throws {
    let channel = QueueConversation.channel
    let declarations = try declarations(session, reporter)
    let missing = try declarations.filter { declaration in
      try session.queueStatusIfPresent(declaration.name.description, on: channel) == nil
    }
    for declaration in declarations where !missing.contains(declaration) { try confirm(declaration, session) }
    for declaration in missing { try session.declare(declaration, on: channel) }
    if let exchange {
      try session.bind(queue: queue.name, to: exchange, routingKey: routingKey ?? queue.name, on: channel)
    }
    // A broker before 4.3 does not compare it.
    if let last = declarations.last, !missing.contains(last), last.arguments[ConsumerTimeout.argument] != nil {
      let place = "queue '\(queue.name)' at \(session.broker)"
      reporter.report(LogEntry(.notice, "\(place) was there already, and keeps the consumer timeout that it has"))
    }
  }

  /// In the order in which they are to be made: nothing may lead to a queue that is not there.
  private func declarations(_ session: BrokerSession, _ reporter: Reporter) throws -> [Method.QueueDeclaration] {
    var others = others
    if let consumerTimeout {
      if let obstacle = ConsumerTimeout.obstacle(session.serverVersion, kind) {
        let place = "queue '\(queue.name)' at \(session.broker)"
        reporter.report(LogEntry(.warning, "\(place) is declared without a consumer timeout: \(obstacle)"))
      } else {
        others.append(ConsumerTimeout.argument, consumerTimeout.value)
      }
    }
    return isPlain
      ? [queue.plainDeclaration(kind, others: others)]
      : queue.otherDeclarations + [queue.declaration(kind, others: others)]
  }

  /// Makes sure that a queue which is there is the one that is wanted.
  private func confirm(_ declaration: Method.QueueDeclaration, _ session: BrokerSession) throws {
    do {
      try session.declare(declaration, on: QueueConversation.channel)
    } catch BrokerSession.CallError.refused(let reason) where reason.code == .preconditionFailed {
      let name = declaration.name.description
      let advice =
        isPlain ? "" : "; nothing was made. Remove that queue first, or use --plain for '\(queue.name)' alone"
      throw Failure(
        .wrongQueue, "queue '\(name)' at \(session.broker) is there, declared otherwise: \(reason.text)\(advice)")
    }
  }
}
