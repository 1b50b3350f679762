internal import Broker
internal import Console

/// What a runner without an item waits for.
enum Waiting: Hashable, Sendable {
  case broker
  /// The steps do not all answer yet.
  case steps
  /// The queue does not exist yet.
  case declaration
  case item
  /// A pause after failures in a row.
  case pause
  /// Items that come back for another attempt.
  case retries
  /// Items that marks tell of, and that no client can see.
  case returning
  case otherConsumers
  /// A conclusive answer.
  case trust
  /// The last of the empty probes that show that the queue is drained.
  case proof
}

/// Reporting what the runner waits for: once a minute, or after one second to somebody who watches.
extension Runner {
  static let reportPeriod: Duration = .seconds(60)
  static let promptPeriod: Duration = .seconds(1)
  /// A wait that ends within this time gets no line of its own.
  static let shortWait: Duration = BrokerSession.shortWait

  var reportPeriod: Duration { options.report.isWatched ? Self.promptPeriod : Self.reportPeriod }

  mutating func reportWaiting() -> [RunnerAction] {
    let again = RunnerAction.set(.report, after: reportPeriod)
    guard !isStopping, !slots.contains(where: \.isBusy), let waiting else { return [again] }
    let since = report.idle(now: now)
    guard since + reportPeriod <= now, !isReported(waiting) else { return [again] }
    report.reported(waiting, now: now)
    let minutes = Int(since.duration(to: now) / .seconds(60))
    let duration = minutes > 0 ? " (\(minutes) min)" : ""
    return [.log(LogEntry(.notice, "\(text(of: waiting))\(duration)")), again]
  }

  /// It was reported within the last minute.
  private func isReported(_ waiting: Waiting) -> Bool {
    report.isReported(waiting, within: Self.reportPeriod - reportPeriod, now: now)
  }

  /// The level at which to log why no broker is reached. It is a notice once every broker has been tried, unless the end follows
  /// at once.
  mutating func announce(_ failure: BrokerFailure) -> LogEntry.Level {
    let left = session.outage.left(of: options.connection.connectTimeout, now: now)
    guard !session.outage.isAnnounced, session.allBrokersTried, left > Self.shortWait else { return .info }
    session.outage.isAnnounced = true
    report.reported(.broker, now: now)
    return .notice
  }

  private var waiting: Waiting? {
    switch phase {
    case .new, .closing, .finished: nil
    case .awaitingSteps: .steps
    case .connecting, .inspecting: .broker
    case .awaitingQueue: .declaration
    case .serving: pause.isActive ? .pause : .item
    case .probing where drain.finding == .retries: .retries
    case .probing where drain.finding == .returning: .returning
    case .probing where drain.inconclusiveSince != nil: .trust
    case .probing where drain.finding == .otherConsumers: .otherConsumers
    case .probing: .proof
    }
  }

  private func text(of waiting: Waiting) -> String {
    switch waiting {
    case .broker: session.failure.map { "\($0); still trying" } ?? "waiting for an answer from the broker at \(broker)"
    case .steps: "waiting for all steps to answer, for \(queueLabel)"
    case .declaration: "waiting for \(queueLabel) to be declared"
    case .item: "waiting for an item in \(queueLabel)"
    case .pause: "pausing after \(pause.failuresInRow) failures in a row on \(queueLabel)"
    case .retries: "waiting for items to come back to \(queueLabel) for another attempt"
    case .returning:
      "waiting for \(drain.markCount.counted("item")) of \(queueLabel) to come back for another attempt, out of sight until then; "
        + "without a sign of life that ends after \(Self.maxReturnTime.text)"
    case .otherConsumers: "waiting for the other consumers of \(queueLabel) to end"
    case .trust: "waiting for an answer about \(queueLabel) that can be trusted"
    case .proof: "making sure that \(queueLabel) is drained"
    }
  }
}
