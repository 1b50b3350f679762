internal import Broker
internal import Console

/// What a runner with nothing in hand waits for.
enum Waiting: Hashable, Sendable {
  case broker
  /// The queue is not there yet.
  case declaration
  case item
  /// A pause after failures in a row.
  case pause
  /// Items that come back for another attempt.
  case retries
  case otherConsumers
  /// An answer that counts.
  case trust
  /// The last looks of those that it takes.
  case proof
}

/// Saying what is being waited for: once a minute, and to somebody who looks on after a second already.
extension Runner {
  static let reportPeriod: Duration = .seconds(60)
  static let promptPeriod: Duration = .seconds(1)
  /// A wait that is over by then needs no line of its own, besides that of its end.
  static let shortWait: Duration = BrokerSession.shortWait

  var reportPeriod: Duration { options.isWatched ? Self.promptPeriod : Self.reportPeriod }

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

  /// It was said within the last minute.
  private func isReported(_ waiting: Waiting) -> Bool {
    report.isReported(waiting, within: Self.reportPeriod - reportPeriod, now: now)
  }

  /// Why the broker is not reached, once every one has been tried, and where the end does not follow at once.
  mutating func announce(_ failure: BrokerFailure) -> LogEntry.Level {
    let left = session.outage.left(of: options.connectTimeout, now: now)
    guard !session.outage.isAnnounced, session.allBrokersTried, left > Self.shortWait else { return .info }
    session.outage.isAnnounced = true
    report.reported(.broker, now: now)
    return .notice
  }

  private var waiting: Waiting? {
    switch phase {
    case .new, .closing, .finished: nil
    case .connecting, .inspecting: .broker
    case .awaitingQueue: .declaration
    case .serving: pause.isActive ? .pause : .item
    case .looking where drain.finding == .retries || drain.finding == .returning: .retries
    case .looking where drain.inconclusiveSince != nil: .trust
    case .looking where drain.finding == .otherConsumers: .otherConsumers
    case .looking: .proof
    }
  }

  private func text(of waiting: Waiting) -> String {
    switch waiting {
    case .broker: session.failure.map { "\($0); still trying" } ?? "waiting for an answer of the broker at \(broker)"
    case .declaration: "waiting for \(place) to be declared"
    case .item: "waiting for an item in \(place)"
    case .pause: "pausing after \(tally.failuresInRow) failures in a row on \(place)"
    case .retries: "waiting for items to come back to \(place) for another attempt"
    case .otherConsumers: "waiting for the other consumers of \(place) to end"
    case .trust: "waiting for an answer about \(place) that can be trusted"
    case .proof: "making sure that \(place) is drained"
    }
  }
}
