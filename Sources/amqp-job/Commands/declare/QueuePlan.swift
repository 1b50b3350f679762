import AMQP
import Arguments
import Broker
import Console

/// The queues that `declare` is asked for, and what it says about queues that are there already.
struct QueuePlan {
  let queue: WorkQueue
  private let isPlain: Bool
  private let kind: WorkQueue.Kind
  private let retryLevels: Int
  private let consumerTimeout: ConsumerTimeout?
  private let others: FieldTable
  let exchange: String?
  let routingKey: String?

  /// - Throws: `Failure`, `UsageError`
  init(_ queue: WorkQueue, isPlain: Bool, _ settings: inout Settings) throws {
    guard !queue.name.hasPrefix("amq.") else {
      throw Failure(
        .notPermitted,
        "queue '\(queue.name)' cannot be declared: AMQP reserves names that begin with amq. for the broker")
    }
    self.queue = queue
    self.isPlain = isPlain
    retryLevels = try Self.retryLevels(of: queue, isPlain: isPlain, &settings)
    kind = try settings.value(Declare.type)
    (exchange, routingKey) = try (settings.value(Declare.exchange), settings.value(Declare.routingKey))
    guard exchange != nil || routingKey == nil else {
      throw UsageError("\(settings.naming(Declare.routingKey)) goes with \(Declare.exchange)")
    }
    guard [exchange, routingKey].allSatisfy({ ShortString($0 ?? "") != nil }) else {
      throw UsageError("\(Declare.exchange) and \(Declare.routingKey) have at most 255 bytes")
    }
    consumerTimeout = try settings.value(Declare.consumerTimeout).map { ConsumerTimeout($0) }
    let own = isPlain ? WorkQueue.plainArguments(kind) : queue.ownArguments(kind)
    let others = try FieldArgument.all(Declare.argument, &settings).filter { try !$0.repeats(own, of: queue) }
    self.others = FieldTable(others.map { .init(name: ByteString($0.name), value: $0.value) })
    try checkLimit()
  }

  /// How many retry queues are asked for. A plain queue has none.
  private static func retryLevels(of queue: WorkQueue, isPlain: Bool, _ settings: inout Settings) throws -> Int {
    let options: [any CommandOption] = [Run.retryDelay, Declare.retryBackoff, Run.retryMax]
    if isPlain, let option = options.first(where: { settings.isGiven($0) }) {
      throw UsageError("\(option) does not go with \(Declare.plain)")
    }
    guard !isPlain, let backoff = try Run.backoff(&settings) else {
      try Run.refuseAlone(
        [Run.retryDelay],
        without: "\(Declare.retryBackoff): a delay that does not grow is an option of 'amqp-job run' alone", settings)
      return 1
    }
    _ = try QueueName.family(queue.name, retryLevels: backoff.levelCount)
    return backoff.levelCount
  }

  /// Refuses a limit that would hold up the items which the retry queue hands back.
  private func checkLimit() throws {
    guard !isPlain, let limit = WorkQueue.refusingLimit(queue.declaration(kind, others: others).arguments) else {
      return
    }
    throw Failure(
      .wrongQueue,
      "\(Declare.argument) \(limit)=... does not go with a retry queue: a full queue refuses the items that are to come back, and they are "
        + "held up out of sight; use \(Declare.plain) for '\(queue.name)' alone")
  }

  /// The queues, in the order of declaration. No queue may dead-letter into a queue that does not exist yet.
  func declarations(for version: ServerVersion?) -> [Method.QueueDeclaration] {
    var others = others
    if let consumerTimeout, ConsumerTimeout.unsupportedReason(version, kind) == nil {
      others.append(ConsumerTimeout.argument, consumerTimeout.value)
    }
    return isPlain
      ? [queue.plainDeclaration(kind, others: others)]
      : queue.otherDeclarations(retryLevels: retryLevels) + [queue.declaration(kind, others: others)]
  }

  /// What the queues will lack that they were asked for. nil where they lack nothing.
  func shortfall(of version: ServerVersion?, at broker: BrokerURL) -> LogEntry? {
    guard consumerTimeout != nil, let reason = ConsumerTimeout.unsupportedReason(version, kind) else { return nil }
    return LogEntry(
      .warning, "queue '\(queue.name)' at \(broker) is declared without a consumer timeout: \(reason)")
  }

  /// The warning of a queue that has the name of one that `declare` makes beside another. nil for any other name.
  func nameWarning(at broker: BrokerURL) -> LogEntry? {
    let family = queue.family
    guard family != queue else { return nil }
    return LogEntry(
      .warning,
      "queue '\(queue.name)' at \(broker) has the name of a companion queue: 'amqp-job declare \(family.name.shellWord)' makes it "
        + "beside queue '\(family.name)', and is refused if this one is declared otherwise")
  }

  /// The report on queues of which the `missing` were declared.
  func report(
    _ missing: [Method.QueueDeclaration], of declarations: [Method.QueueDeclaration], at broker: BrokerURL
  ) -> [LogEntry] {
    var entries = declarations.map { declaration in
      let state = missing.contains(declaration) ? "is made" : "was there already, as asked for"
      return LogEntry(.info, "queue '\(declaration.name)' at \(broker) \(state)")
    }
    guard let last = declarations.last, !missing.contains(last) else { return entries }
    let new = newRetryQueues(missing, of: declarations)
    for name in missing.map(\.name.description) where name != queue.marksName && !new.contains(name) {
      entries.append(LostCompanion(remade: name, of: queue.name, at: "\(broker)").warning)
    }
    // A broker before 4.3 does not compare the timeout with that of the existing queue.
    if last.arguments[ConsumerTimeout.argument] != nil {
      let place = "queue '\(queue.name)' at \(broker)"
      entries.append(LogEntry(.notice, "\(place) was there already, and keeps the consumer timeout that it has"))
    }
    return entries
  }

  /// The further retry queues that were not there before. One that is missing before another one was there.
  private func newRetryQueues(
    _ missing: [Method.QueueDeclaration], of declarations: [Method.QueueDeclaration]
  ) -> Set<String> {
    let further = declarations.filter { queue.isRetryName($0.name.description) }.dropFirst()
    return Set(further.reversed().prefix(while: missing.contains).map(\.name.description))
  }

  /// The refusal of an argument that queues of this type do not have. nil for any other refusal.
  func unsupported(_ declaration: Method.QueueDeclaration, _ reason: CloseReason, at broker: BrokerURL) -> Failure? {
    guard case .unsupported(let name)? = DeclarationRefusal(reason, of: declaration) else { return nil }
    let others = WorkQueue.Kind.allCases.filter { $0 != kind }.map { "\(Declare.type) \($0)" }.joined(separator: ", ")
    return Failure(
      .wrongQueue,
      "queue '\(declaration.name)' at \(broker) cannot be made: the broker has no argument \(name) for a queue of the type \(kind) "
        + "(\(others) may have it)")
  }

  /// The refusal where a queue exists with other properties, as `reason` says.
  func refusal(of declaration: Method.QueueDeclaration, _ reason: CloseReason, at broker: BrokerURL) -> Failure {
    let conflict = ConflictingQueue(reason, declaration, of: queue)
    return Failure(
      .wrongQueue,
      "queue '\(declaration.name)' at \(broker) is there, declared otherwise: \(reason.text); nothing was made; "
        + conflict.advice(on: queue))
  }
}

extension FieldArgument {
  /// Whether the argument repeats one that `declare` sets itself.
  /// - Throws: `UsageError` where it contradicts that argument
  fileprivate func repeats(_ own: FieldTable, of queue: WorkQueue) throws -> Bool {
    guard name != ConsumerTimeout.argument.description else {
      throw UsageError("\(Declare.argument) \(name)=... is \(Declare.consumerTimeout)")
    }
    guard let set = own[ByteString(name)] else { return false }
    guard set != value else { return true }
    guard name != "x-queue-type" else { throw UsageError("\(Declare.argument) \(name)=... is \(Declare.type)") }
    guard case .string(let text) = set else { return false }
    throw UsageError(
      "\(Declare.argument) \(name)=... is not '\(text)', without which dead letters may not get to '\(queue.deadName)'; another value goes "
        + "with \(Declare.plain)")
  }
}
