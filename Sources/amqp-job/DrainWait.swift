import AMQP
import Broker
import Console

/// What `amqp-job status --until drained` waits for. Only when nothing is to be seen of items or consumers is it made sure of, for
/// that takes a consumer of our own.
struct DrainWait {
  private static let reportPeriod: Duration = .seconds(60)
  /// Those before it are for the other questions about queues.
  private static let firstChannel: UInt16 = 3

  private let status: Status
  private let limit: Duration?
  private let deadline: ContinuousClock.Instant?
  /// When it is to be said what is waited for; nil where that is shown anyway.
  private var nextReport: ContinuousClock.Instant?
  private var checks: [DrainedCheck] = []
  /// What was last in the way.
  private var obstacle: (queue: String, text: String)?

  /// `isSilent`: nothing else shows how full the queues are.
  init(_ status: Status, limit: Duration?, isSilent: Bool) {
    self.status = status
    self.limit = limit
    deadline = limit.map { .now + $0 }
    if isSilent { nextReport = .now + (status.reporter.patience ?? Self.reportPeriod) }
  }

  /// Makes sure by a new connection that it can be known whether the queues are drained.
  /// - Throws: `BrokerFailure`, `BrokerSession.Stopped`, `Failure`
  mutating func begin(_ session: BrokerSession) throws {
    checks = []
    for (index, name) in status.names.enumerated() {
      checks.append(
        try Self.asking(name, session) {
          try DrainedCheck(
            name, session, status.broker, status.reporter, channel: Self.firstChannel + UInt16(index))
        })
    }
  }

  /// Whether all of the queues are drained, of which `looks` are the latest.
  /// - Throws: `BrokerFailure`, `BrokerSession.Stopped`, `Failure`
  mutating func isOver(_ looks: [QueueFigures], _ session: BrokerSession) throws -> Bool {
    for figures in looks {
      if let text = figures.drainObstacle {
        obstacle = (figures.name, text)
        report(figures, session)
        return false
      }
    }
    for index in checks.indices {
      let name = status.names[index]
      if let text = try Self.asking(name, session, { try checks[index].obstacle(until: deadline) }) {
        obstacle = (name, text)
        return false
      }
    }
    return true
  }

  /// When to look again, where that would be at `next` without a limit.
  /// - Throws: `Failure` where the limit is reached
  func next(_ next: ContinuousClock.Instant, at broker: BrokerURL) throws -> ContinuousClock.Instant {
    guard let deadline, let limit else { return next }
    guard ContinuousClock.now < deadline else {
      let (queue, why) = obstacle.map { ($0.queue, ": \($0.text)") } ?? (status.names[0], "")
      throw Failure(
        .temporaryFailure,
        "queue '\(queue)' at \(broker) is not drained after \(limit.text) (--drain-timeout)\(why)")
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

  private static func asking<Answer>(
    _ queue: String, _ session: BrokerSession, _ ask: () throws -> Answer
  ) throws -> Answer {
    do { return try ask() } catch  where error is BrokerFailure || error is BrokerSession.Stopped {
      throw error
    } catch {
      throw Failure(error, queue: queue, broker: session.broker)
    }
  }
}

extension QueueFigures {
  /// What shows at once that such a queue is not drained; nil where nothing does.
  fileprivate var drainObstacle: String? {
    let finding: Drain.Finding? =
      ready > 0 ? .items : retry ?? 0 > 0 ? .retries : consumers > 0 ? .otherConsumers : nil
    return finding?.obstacle
  }
}

extension Drain.Finding {
  /// Why a queue of which that was found is not drained, or not yet said to be; nil for one that is.
  var obstacle: String? {
    switch self {
    case .drained: nil
    case .items: "items are ready"
    case .retries: "items wait for another attempt"
    case .returning: "items are on their way back for another attempt"
    case .otherConsumers: "others consume, and may give an item back"
    case .void: "it gives no answer that can be trusted"
    case .empty: "it has not been empty for long enough to be sure"
    }
  }
}
