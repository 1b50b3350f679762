import AMQP
import Broker
import Console

/// What `declare --delete` does.
struct QueueRemoval {
  /// An item on its way from one queue to another is for some milliseconds in neither.
  private static let pause: Duration = .seconds(1)

  private let conversation: QueueConversation
  /// The first to be removed first: nothing may lead to a queue that is not there.
  private let names: [String]

  init(_ conversation: QueueConversation, _ names: [String]) {
    self.conversation = conversation
    self.names = names
  }

  /// - Throws: `Failure`, `BrokerFailure`
  func remove(ifEmpty: Bool, _ reporter: Reporter) throws {
    var present: [String] = []
    try conversation.hold { session in
      for name in names {
        guard let status = try session.queueStatusIfPresent(name, on: QueueConversation.channel) else { continue }
        present.append(name)
        if !ifEmpty, status.consumerCount > 0 { warn(of: status.consumerCount, at: name, reporter) }
      }
      if present.isEmpty {
        reporter.report(
          LogEntry(.notice, "there is no queue '\(conversation.queue)' at \(session.broker): nothing was to be removed")
        )
      }
      if ifEmpty {
        try checkEmpty(present, session)
        if present.count > 1 {
          try session.wait(until: .now + Self.pause)
          try checkEmpty(present, session)
        }
      } else {
        for name in present { _ = try session.delete(queue: name, ifEmpty: false, on: QueueConversation.channel) }
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
      try conversation.hold { session in
        do {
          _ = try session.delete(queue: name, ifEmpty: true, on: QueueConversation.channel)
        } catch BrokerSession.CallError.refused(let reason) where reason.code == .preconditionFailed {
          throw Failure(.failure, "queue '\(name)' at \(session.broker) was not removed: \(reason.text)")
        }
      }
    } catch let failure as BrokerFailure where failure.closeReason?.code == .notImplemented {
      // Of a quorum queue the broker cannot do both in one step, and hangs up over it. So what came
      // in between is counted.
      try conversation.hold { session in
        try checkEmpty([name], session)
        let lost = try session.delete(queue: name, ifEmpty: false, on: QueueConversation.channel)
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

  /// What is ready counts, and what a consumer may hold and give back.
  private func checkEmpty(_ names: [String], _ session: BrokerSession) throws {
    for name in names {
      let status = try session.queueStatus(name, on: QueueConversation.channel)
      guard status.messageCount == 0, status.consumerCount == 0 else {
        throw Failure(
          .failure,
          "queue '\(name)' at \(session.broker) is not empty, and was not removed: "
            + "\(status.messageCount.counted("item")), \(status.consumerCount.counted("consumer"))")
      }
    }
  }
}
