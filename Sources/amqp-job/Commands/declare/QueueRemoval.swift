import AMQP
import Broker
import Console

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

  /// - Throws: `Failure`, `BrokerFailure`
  func remove(ifEmpty: Bool, _ reporter: Reporter) throws {
    var present: [String] = []
    try conversation.hold(about: queue) { session in
      for name in names {
        guard let status = try session.queueStatusIfPresent(name, on: BrokerConversation.channel) else { continue }
        present.append(name)
        if !ifEmpty, status.consumerCount > 0 { warn(of: status.consumerCount, at: name, reporter) }
      }
      if present.isEmpty {
        reporter.report(
          LogEntry(.notice, "there is no queue '\(queue)' at \(session.broker): nothing was to be removed")
        )
      }
      if ifEmpty {
        try checkEmpty(present, session)
        if present.count > 1 {
          try session.wait(until: .now + Self.pause)
          try checkEmpty(present, session)
        }
      } else {
        for name in present { _ = try session.delete(queue: name, ifEmpty: false, on: BrokerConversation.channel) }
      }
    }
    if ifEmpty { try present.forEach(removeIfEmpty) }
  }

  private func warn(of count: UInt32, at name: String, _ reporter: Reporter) {
    let consumers = count == 1 ? "a consumer" : "\(count) consumers"
    reporter.report(
      LogEntry(
        .warning,
        "queue '\(name)' has \(consumers), which may have items in hand: before it is declared again, they have to be gone"
      ))
  }

  private func removeIfEmpty(_ name: String) throws {
    do {
      try conversation.hold(about: queue) { session in
        do {
          _ = try session.delete(queue: name, ifEmpty: true, on: BrokerConversation.channel)
        } catch BrokerSession.CallError.refused(let reason) where reason.code == .preconditionFailed {
          throw Failure(.failure, "queue '\(name)' at \(session.broker) was not removed: \(reason.text)")
        }
      }
    } catch let failure as BrokerFailure where failure.closeReason?.code == .notImplemented {
      // The broker cannot delete a quorum queue on condition that it is empty: it closes the connection. So the queue is checked
      // first, and items that arrived before its removal are counted.
      try conversation.hold(about: queue) { session in
        try checkEmpty([name], session)
        let lost = try session.delete(queue: name, ifEmpty: false, on: BrokerConversation.channel)
        guard lost == 0 else {
          throw Failure(
            .failure,
            "\(lost.counted("item")) came to queue '\(name)' at \(session.broker) as it was removed, "
              + "and went with it: publish that again"
          )
        }
      }
    }
  }

  /// Fails unless the queues are empty and have no consumers. A consumer may hold an item and give it back.
  private func checkEmpty(_ names: [String], _ session: BrokerSession) throws {
    for name in names {
      let status = try session.queueStatus(name, on: BrokerConversation.channel)
      guard status.messageCount == 0, status.consumerCount == 0 else {
        throw Failure(
          .failure,
          "queue '\(name)' at \(session.broker) is not empty, and was not removed: "
            + "\(status.messageCount.counted("item")), \(status.consumerCount.counted("consumer"))")
      }
    }
  }
}
