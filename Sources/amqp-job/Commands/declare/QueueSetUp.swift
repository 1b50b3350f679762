import AMQP
import Arguments
import Broker
import Console

/// Declares a queue with its companion queues, according to the options of `declare`.
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

  /// Declares the queues that are missing. Declares none where a queue exists with other properties, or where the broker refuses one.
  /// - Throws: `Failure`, `BrokerFailure`, `BrokerSession.CallError`
  func make(_ session: BrokerSession, _ reporter: Reporter) throws {
    let channel = BrokerConversation.channel
    if let exchange { try checkExchange(exchange, session) }
    let declarations = try declarations(session, reporter)
    let missing = try declarations.filter { declaration in
      try session.queueStatusIfPresent(declaration.name.description, on: channel) == nil
    }
    for declaration in declarations where !missing.contains(declaration) { try confirm(declaration, session) }
    var withdrawal = QueueWithdrawal(queue, session)
    do {
      for declaration in missing {
        try session.declare(declaration, on: channel)
        withdrawal.made.append(declaration.name.description)
      }
      if let exchange {
        try session.bind(queue: queue.name, to: exchange, routingKey: routingKey ?? queue.name, on: channel)
      }
    } catch BrokerSession.CallError.refused(let reason) {
      throw withdrawal.run(over: BrokerSession.CallError.refused(reason))
    }
    for declaration in declarations {
      let state = missing.contains(declaration) ? "is made" : "was there already, as asked for"
      reporter.report(LogEntry(.info, "queue '\(declaration.name)' at \(session.broker) \(state)"))
    }
    report(missing, of: declarations, session, reporter)
  }

  /// Makes sure that the exchange exists, before any queue is declared for it.
  private func checkExchange(_ name: String, _ session: BrokerSession) throws {
    do {
      try session.checkExchange(name, on: BrokerConversation.channel)
    } catch BrokerSession.CallError.refused(let reason) where reason.code == .notFound {
      throw Failure(
        .noQueue, "there is no exchange '\(name)' at \(session.broker)\(naming: .exchange); nothing was made")
    }
  }

  private func report(
    _ missing: [Method.QueueDeclaration], of declarations: [Method.QueueDeclaration], _ session: BrokerSession,
    _ reporter: Reporter
  ) {
    if let last = declarations.last, !missing.contains(last) {
      for name in missing.map(\.name.description) where name != queue.marksName {
        reporter.report(LostCompanion(remade: name, of: queue.name, at: "\(session.broker)").warning)
      }
    }
    // A broker before 4.3 does not compare the timeout with that of the existing queue.
    if let last = declarations.last, !missing.contains(last), last.arguments[ConsumerTimeout.argument] != nil {
      let place = "queue '\(queue.name)' at \(session.broker)"
      reporter.report(LogEntry(.notice, "\(place) was there already, and keeps the consumer timeout that it has"))
    }
  }

  /// In the order of declaration. No queue may dead-letter into a queue that does not exist yet.
  private func declarations(_ session: BrokerSession, _ reporter: Reporter) throws -> [Method.QueueDeclaration] {
    var others = others
    if let consumerTimeout {
      if let reason = ConsumerTimeout.unsupportedReason(session.serverVersion, kind) {
        let place = "queue '\(queue.name)' at \(session.broker)"
        reporter.report(LogEntry(.warning, "\(place) is declared without a consumer timeout: \(reason)"))
      } else {
        others.append(ConsumerTimeout.argument, consumerTimeout.value)
      }
    }
    return isPlain
      ? [queue.plainDeclaration(kind, others: others)]
      : queue.otherDeclarations + [queue.declaration(kind, others: others)]
  }

  /// Whether the existing queue differs by having a dead-letter exchange of its own.
  private func hasOwnExchange(_ declaration: Method.QueueDeclaration, _ reason: CloseReason) -> Bool {
    guard declaration.name.description == queue.name,
      case .differs(let name, let current)? = DeclarationRefusal(reason, of: declaration)
    else { return false }
    return name.hasPrefix("x-dead-letter-") && current != .nothing
  }

  /// Makes sure that an existing queue has the wanted properties.
  private func confirm(_ declaration: Method.QueueDeclaration, _ session: BrokerSession) throws {
    do {
      try session.declare(declaration, on: BrokerConversation.channel)
    } catch BrokerSession.CallError.refused(let reason) where reason.code == .preconditionFailed {
      let name = declaration.name.description
      let advice =
        hasOwnExchange(declaration, reason)
        ? "; nothing was made. It has a dead-letter exchange of its own: use it as it is ('run --max-attempts' publishes "
          + "to that exchange), or remove it first"
        : isPlain
          ? "" : "; nothing was made. Remove that queue first, or use \(Declare.plain) for '\(queue.name)' alone"
      throw Failure(
        .wrongQueue, "queue '\(name)' at \(session.broker) is there, declared otherwise: \(reason.text)\(advice)")
    }
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
