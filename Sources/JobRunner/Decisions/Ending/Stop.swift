internal import Console
internal import Linux

/// Why the runner comes to its end, and how the end is under way.
struct Stop: Hashable, Sendable {
  /// What a further signal means once a first one has told the runner to end.
  enum Response: Hashable, Sendable {
    /// It is the first one.
    case begin
    case ignore
    case stopWorkers
    case toWorkers(Signal)
  }

  /// A signal that comes within this time of the last one is a repetition of it: a terminal, say, sends one to the runner and
  /// to its group.
  private static let repetition: Duration = .seconds(1)

  /// The status of whatever makes it impossible to go on.
  private(set) var brokenStatus: ExitStatus?
  /// The signal that told the runner to end.
  private(set) var signal: Signal?
  /// The queue is drained, and that is the end.
  private(set) var isDrained = false
  /// Items went with a queue that deleted itself.
  private var hasLostItems = false
  private var signalledAt: ContinuousClock.Instant?
  private var hasStoppedWorkers = false
  /// A signal came when there was nothing left to stop.
  private var isEndAwaited = false
  /// The broker has left something unanswered at the end.
  private var isBrokerSilent = false

  /// No more items are taken.
  var isStopping: Bool { brokenStatus != nil || signal != nil || isDrained }

  /// The connections are closed in a hurry, because somebody waits for the end, or because the broker has not been answering.
  var isHurried: Bool { isBrokerSilent || isEndAwaited || signal != nil || brokenStatus == .unreachable }

  var cause: Ending.Cause {
    if brokenStatus != nil { return .broken }
    if isDrained { return .drained }
    return signal.map { .stopped($0) } ?? .complete
  }

  // MARK: Events

  /// The first status counts. Returns whether this is the first one.
  mutating func breakOff(_ status: ExitStatus) -> Bool {
    guard brokenStatus == nil else { return false }
    brokenStatus = status
    return true
  }

  mutating func queueDrained() { isDrained = true }

  mutating func itemsLost() { hasLostItems = true }

  mutating func brokerSilent() { isBrokerSilent = true }

  mutating func endAwaited() { isEndAwaited = true }

  mutating func begin(_ signal: Signal, now: ContinuousClock.Instant) { (self.signal, signalledAt) = (signal, now) }

  mutating func workersStopped(now: ContinuousClock.Instant) { (signalledAt, hasStoppedWorkers) = (now, true) }

  /// What a signal to end means now. The workers get the first one, and are killed by the next one that is no repetition.
  func response(to signal: Signal, now: ContinuousClock.Instant) -> Response {
    guard let signalledAt else { return .begin }
    let isRepetition = now < signalledAt + Self.repetition
    guard hasStoppedWorkers else { return isRepetition ? .ignore : .stopWorkers }
    return .toWorkers(isRepetition ? signal : .kill)
  }

  // MARK: The exit status

  func status(_ options: JobOptions, _ tally: Tally) -> ExitStatus {
    let status = statusOfItems(options, tally)
    return hasLostItems && status == .success ? .failure : status
  }

  private func statusOfItems(_ options: JobOptions, _ tally: Tally) -> ExitStatus {
    if let brokenStatus { return brokenStatus }
    switch options.extent {
    case .count(let count):
      if let signal, tally.done < count { return .signal(signal) }
      if tally.failed == 0 { return .success }
      return count == 1 ? tally.lastFailure ?? .failure : .failure
    case .drain:
      if let signal, !isDrained { return .signal(signal) }
      return tally.deadLettered + tally.rejected == 0 ? .success : .failure
    case .forever:
      return .success
    }
  }
}
