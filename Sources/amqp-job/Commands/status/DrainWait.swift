import AMQP
import Broker
import Console

/// The wait of `amqp-job status --until drained`. The full check needs a consumer of its own, so it is made only once the figures
/// show neither items nor consumers.
struct DrainWait {
  private static let reportPeriod: Duration = .seconds(60)
  /// The channels before this one are used for other questions about queues.
  private static let firstChannel: UInt16 = 3

  private let status: Status
  private let limit: Duration?
  private let deadline: ContinuousClock.Instant?
  /// When to report next what the command waits for. nil where the figures are shown anyway.
  private var nextReport: ContinuousClock.Instant?
  private var checks: [DrainedCheck] = []
  /// The latest reason why a queue is not drained.
  private var reason: (queue: String, text: String)?

  /// `isSilent` says that nothing else shows how full the queues are.
  init(_ status: Status, limit: Duration?, isSilent: Bool) {
    self.status = status
    self.limit = limit
    deadline = limit.map { .now + $0 }
    if isSilent { nextReport = .now + (status.reporter.patience ?? Self.reportPeriod) }
  }

  /// Prepares the checks on a new connection. This fails where the broker does not show whether a queue is drained.
  mutating func begin(_ session: BrokerSession) throws(ConversationError) {
    checks = []
    for (index, name) in status.names.enumerated() {
      checks.append(try DrainedCheck(name, session, status, channel: Self.firstChannel + UInt16(index)))
    }
  }

  /// Whether all queues are drained. `latest` are the latest figures of the queues.
  mutating func isOver(_ latest: [QueueFigures], _ session: BrokerSession) throws(ConversationError) -> Bool {
    for figures in latest {
      if let text = figures.reasonNotDrained {
        reason = (figures.name, text)
        report(figures, session)
        return false
      }
    }
    for index in checks.indices {
      let name = status.names[index]
      if let text = try checks[index].reasonNotDrained(until: deadline) {
        reason = (name, text)
        return false
      }
    }
    return true
  }

  /// When to look at the queues again: at `next`, or at the time limit if that comes first.
  /// Fails once the time limit is reached.
  func next(_ next: ContinuousClock.Instant, at broker: BrokerURL) throws(Failure) -> ContinuousClock.Instant {
    guard let deadline, let limit else { return next }
    guard ContinuousClock.now < deadline else {
      let (queue, why) = reason.map { ($0.queue, ": \($0.text)") } ?? (status.names[0], "")
      throw Failure(
        .temporaryFailure,
        "queue '\(queue)' at \(broker) is not drained after \(limit.text)\(naming: .drainTimeout)\(why)")
    }
    return min(next, deadline)
  }

  private mutating func report(_ figures: QueueFigures, _ session: BrokerSession) {
    guard let time = nextReport, ContinuousClock.now >= time else { return }
    nextReport = .now + Self.reportPeriod
    let counts = "\(figures.ready) ready, \(figures.retry ?? 0) to retry, \(figures.consumers.counted("consumer"))"
    status.reporter.report(
      LogEntry(.notice, "waiting for queue '\(figures.name)' at \(session.broker) to be drained: \(counts)"))
  }
}

extension QueueFigures {
  /// Why these figures show that the queue is not drained. nil where they do not show it.
  var reasonNotDrained: String? {
    let finding: Drain.Finding? =
      ready > 0 ? .items : retry ?? 0 > 0 ? .retries : consumers > 0 ? .otherConsumers : nil
    return finding?.reasonNotDrained
  }
}
