import AMQP
import Broker
import Console
import JobRunner

/// Removes a queue with its companion queues, as `declare --delete` does.
struct QueueRemoval {
  /// An item that moves from one queue to another is in neither for some milliseconds.
  private static let pause: Duration = .seconds(1)

  private let conversation: BrokerConversation
  private let queue: String
  /// In the order of removal. No queue may dead-letter into a queue that has already been removed.
  private let names: [String]

  init(_ conversation: BrokerConversation, of queue: String, _ names: [String]) {
    self.conversation = conversation
    self.queue = queue
    self.names = names
  }

  func remove(ifEmpty: Bool, _ reporter: Reporter) throws(ConversationError) {
    let present = try conversation.hold(about: queue) { conversation throws(ConversationError) in
      let present = try existing(conversation)
      if present.isEmpty {
        let place = "queue '\(queue)' at \(conversation.session.broker)"
        reporter.report(LogEntry(.notice, "there is no \(place): nothing was to be removed"))
      }
      if ifEmpty {
        for queue in present { try checkType(of: queue.name, conversation) }
        try checkEmptyTwice(present.map(\.name), conversation)
      } else {
        for queue in present {
          _ = try delete(queue.name, conversation)
          if queue.consumerCount > 0 { warn(of: queue.consumerCount, at: queue.name, reporter) }
        }
      }
      return present.map(\.name)
    }
    if ifEmpty { for name in present { try removeIfEmpty(name) } }
  }

  /// The queues that exist. The last of the further retry queues is the first to be removed, so that each that is left can
  /// be found again.
  private func existing(
    _ conversation: QueueConversation
  ) throws(ConversationError) -> [(name: String, consumerCount: UInt32)] {
    var existing: [(String, UInt32)] = []
    for name in names {
      if name == WorkQueue(queue).retryName {
        let further = try conversation.ask { session throws(SessionError) in
          try session.furtherRetryQueues(of: WorkQueue(queue), on: BrokerConversation.channel)
        }
        existing += further.reversed().map { ($0.name.description, $0.consumerCount) }
      }
      let status = try conversation.ask { session throws(SessionError) in
        try session.queueStatusIfPresent(name, on: BrokerConversation.channel)
      }
      if let status { existing.append((name, status.consumerCount)) }
    }
    return existing
  }

  private func delete(_ name: String, _ conversation: QueueConversation) throws(ConversationError) -> UInt32 {
    try conversation.ask { session throws(SessionError) in
      try session.delete(queue: name, ifEmpty: false, on: BrokerConversation.channel)
    }
  }

  private func warn(of count: UInt32, at name: String, _ reporter: Reporter) {
    let consumers = count == 1 ? "a consumer" : "\(count) consumers"
    reporter.report(
      LogEntry(
        .warning,
        "deleted; queue '\(name)' had \(consumers), which may still hold items: stop \(count == 1 ? "it" : "them") before the queue is declared again"
      ))
  }

  private func removeIfEmpty(_ name: String) throws(ConversationError) {
    do {
      try conversation.hold(about: queue) { conversation throws(ConversationError) in
        try deleteIfEmpty(name, conversation)
      }
    } catch .connection(let failure) where failure.closeReason?.code == .notImplemented {
      // The broker cannot delete a quorum queue on condition that it is empty: it closes the connection. So the queue is checked
      // first, and items that arrived before its removal are counted.
      try conversation.hold(about: queue) { conversation throws(ConversationError) in
        try checkEmpty([name], conversation)
        let lost = try delete(name, conversation)
        guard lost == 0 else {
          throw .failed(
            Failure(
              .failure,
              "\(lost.counted("item")) came to queue '\(name)' at \(conversation.session.broker) while it was removed, "
                + "and went with it: publish \(lost == 1 ? "it" : "them") again"))
        }
      }
    }
  }

  private func deleteIfEmpty(_ name: String, _ conversation: QueueConversation) throws(ConversationError) {
    let session = conversation.session
    do {
      _ = try session.delete(queue: name, ifEmpty: true, on: BrokerConversation.channel)
    } catch .refused(let reason) where reason.code == .preconditionFailed {
      throw .failed(Failure(.failure, "queue '\(name)' at \(session.broker) was not removed: \(reason.text)"))
    } catch {
      throw conversation.explained(error)
    }
  }

  /// A stream may report for a moment that it has no items, and the broker does not delete one on condition that it is empty.
  private func checkType(of name: String, _ conversation: QueueConversation) throws(ConversationError) {
    let session = conversation.session
    guard let type = try QueueQuestionnaire(WorkQueue(name), session).otherType() else { return }
    throw .failed(
      Failure(
        .wrongQueue,
        "queue '\(name)' at \(session.broker) was not removed: \(type), and nobody can tell whether it is empty; without "
          + "\(Declare.ifEmpty) it is removed with its items"))
  }

  private func checkEmptyTwice(_ names: [String], _ conversation: QueueConversation) throws(ConversationError) {
    try checkEmpty(names, conversation)
    guard names.count > 1 else { return }
    try conversation.ask { session throws(SessionError) in try session.wait(until: .now + Self.pause) }
    try checkEmpty(names, conversation)
  }

  /// What to do about a queue that is not empty, or that has consumers.
  static func advice(on name: String, of queue: WorkQueue, items: UInt32) -> LogMessage {
    let word = queue.name.shellWord
    guard items > 0 else { return "; end them first" }
    let running = "'amqp-job run -q \(word) --drain -- COMMAND'"
    switch name {
    case queue.deadName:
      return "; 'amqp-job dead replay \(word)' sends its items back, and 'amqp-job dead purge \(word)' drops them"
    case queue.name: return "; \(running) works on its items, and without \(Declare.ifEmpty) they are dropped"
    default: return "; it has to do with items that are to come back, and \(running) waits for these"
    }
  }

  /// What to do about a queue that is not empty and that no runner serves.
  private static let adviceOnUnserved: LogMessage =
    "; 'amqp-job run' serves no such queue, and without \(Declare.ifEmpty) its items are dropped"

  /// Whether a runner would refuse the queue as one of a kind that it does not serve. false if that is not known.
  private func isUnserved(_ session: BrokerSession) -> Bool {
    guard case .unsupported? = try? QueueQuestionnaire(WorkQueue(queue), session).inspect() else { return false }
    return true
  }

  /// Fails unless the queues are empty and have no consumers. A consumer may hold an item and give it back.
  private func checkEmpty(_ names: [String], _ conversation: QueueConversation) throws(ConversationError) {
    for name in names {
      let status = try conversation.ask { session throws(SessionError) in
        try session.queueStatus(name, on: BrokerConversation.channel)
      }
      guard status.messageCount == 0, status.consumerCount == 0 else {
        let advice =
          name == queue && status.messageCount > 0 && isUnserved(conversation.session)
          ? Self.adviceOnUnserved : Self.advice(on: name, of: WorkQueue(queue), items: status.messageCount)
        throw .failed(
          Failure(
            .failure,
            "queue '\(name)' at \(conversation.session.broker) is not empty, and was not removed: "
              + "\(status.messageCount.counted("item")), \(status.consumerCount.counted("consumer"))"
              + advice))
      }
    }
  }
}
