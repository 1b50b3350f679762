import AMQP
import Broker
import Console

/// Declares the queues of a plan.
struct QueueSetUp {
  private let plan: QueuePlan

  init(_ plan: QueuePlan) { self.plan = plan }

  /// Declares the queues that are missing. Declares none where a queue exists with other properties, or where the broker refuses one.
  func make(_ conversation: QueueConversation, _ reporter: Reporter) throws(ConversationError) {
    let session = conversation.session
    if let exchange = plan.exchange { try checkExchange(exchange, conversation) }
    let declarations = plan.declarations(for: session.serverVersion)
    if let shortfall = plan.shortfall(of: session.serverVersion, at: session.broker) { reporter.report(shortfall) }
    var missing: [Method.QueueDeclaration] = []
    for declaration in declarations where try isMissing(declaration, conversation) { missing.append(declaration) }
    // The queue itself comes first, since it may be another program's, which has other queues beside it.
    for declaration in declarations.reversed() where !missing.contains(declaration) {
      try confirm(declaration, conversation)
    }
    try declare(missing, conversation)
    if let warning = plan.nameWarning(at: session.broker) { reporter.report(warning) }
    for entry in plan.report(missing, of: declarations, at: session.broker) { reporter.report(entry) }
  }

  /// Makes sure that the exchange exists, before any queue is declared for it.
  private func checkExchange(_ name: String, _ conversation: QueueConversation) throws(ConversationError) {
    let session = conversation.session
    do {
      try session.checkExchange(name, on: BrokerConversation.channel)
    } catch .refused(let reason) where reason.code == .notFound {
      throw .failed(
        Failure(.noQueue, "there is no exchange '\(name)' at \(session.broker)\(naming: .exchange); nothing was made"))
    } catch {
      throw conversation.explained(error)
    }
  }

  private func isMissing(
    _ declaration: Method.QueueDeclaration, _ conversation: QueueConversation
  ) throws(ConversationError) -> Bool {
    try conversation.ask { session throws(SessionError) in
      try session.queueStatusIfPresent(declaration.name.description, on: BrokerConversation.channel) == nil
    }
  }

  /// Declares the missing queues, and binds the queue. Where the broker refuses a step, the queues are removed again.
  private func declare(
    _ missing: [Method.QueueDeclaration], _ conversation: QueueConversation
  ) throws(ConversationError) {
    let (session, channel) = (conversation.session, BrokerConversation.channel)
    var withdrawal = QueueWithdrawal(plan.queue, session)
    var latest: Method.QueueDeclaration?
    do {
      for declaration in missing {
        latest = declaration
        try session.declare(declaration, on: channel)
        withdrawal.made.append(declaration.name.description)
      }
      if let exchange = plan.exchange {
        let (queue, key) = (plan.queue.name, plan.routingKey ?? plan.queue.name)
        try session.bind(queue: queue, to: exchange, routingKey: key, on: channel)
      }
    } catch .refused(let reason) {
      let unsupported = latest.flatMap { plan.unsupported($0, reason, at: session.broker) }
      let failure = unsupported ?? Failure(.refused(reason), queue: plan.queue.name, broker: session.broker)
      throw .failed(withdrawal.run(over: failure))
    } catch {
      throw conversation.explained(error)
    }
  }

  /// Makes sure that an existing queue has the wanted properties.
  private func confirm(
    _ declaration: Method.QueueDeclaration, _ conversation: QueueConversation
  ) throws(ConversationError) {
    let session = conversation.session
    do {
      try session.declare(declaration, on: BrokerConversation.channel)
    } catch .refused(let reason) where reason.code == .preconditionFailed {
      throw .failed(plan.refusal(of: declaration, reason, at: session.broker))
    } catch {
      throw conversation.explained(error)
    }
  }
}
