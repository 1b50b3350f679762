internal import AMQP
internal import Broker
internal import Linux

/// A runner's decisions: events in, actions out, no I/O, no clock. Each file beside this one holds
/// one part of a runner's life; this one holds what they share, and passes events on.
///
/// It connects, opens the queue, consumes one item at a time, has a worker run on it, settles it,
/// and ends when it has taken as many as it was asked for, when the queue is drained, or when
/// something forbids to go on.
public struct Runner: Sendable {
  static let channel: UInt16 = 1

  enum Phase: Hashable, Sendable {
    case new
    /// No connection; an attempt at one is under way, or comes after a pause.
    case connecting
    /// Asked what kind of a queue it is.
    case inspecting
    /// The queue is not there yet; it is asked for again after a pause.
    case awaitingQueue
    /// Consuming: waiting for an item, or working on one.
    case consuming
    /// Not consuming, but looking whether the queue is drained.
    case looking
    /// Told to end with no item in hand: the consumer is being cancelled.
    case withdrawing(ExitStatus)
    /// The worker is to end, since its item is no longer ours.
    case abandoning(ExitStatus)
    /// The item is being put back as a copy; only then is it acked.
    case copying(EndedJob)
    /// All that was decided is with the broker, or on its way there.
    case settling(Settlement)
    /// The connection is being closed, with nothing at stake.
    case closing(ExitStatus)
    case finished
  }

  let options: JobOptions
  let chance: Double
  var phase = Phase.new
  /// How many attempts at a connection there have been.
  var attemptCount = 0
  var backOff = BackOff()
  var connectFailure: BrokerFailure?
  /// The queue has been found to be one that can be served.
  var isInspected = false
  /// Our consumer as the broker has it, once all that was sent has been answered.
  var isConsumerAttached = false
  var consumerNumber = 0
  /// Since when there has been nothing to do.
  var idleSince: ContinuousClock.Instant?
  var startedAt: ContinuousClock.Instant?
  var drain = Drain()
  /// An ack went out after which the broker has not said anything that shows that it took it.
  var isAckUnconfirmed = false
  var job: Job?
  var takenCount = 0
  var failedCount = 0

  /// `chance`, from 0 to 1 and another for each runner, spreads the pauses of many.
  public init(_ options: JobOptions, chance: Double) {
    self.options = options
    self.chance = chance
  }

  /// Decides what to do about `event`.
  public mutating func handle(
    _ event: RunnerEvent, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    switch event {
    case .connected: return connected()
    case .connectionFailed(let failure): return connectionFailed(failure, now: now)
    case .connectionClosed: return connectionClosed()
    case .delivered(let delivery): return take(delivery, now: now)
    case .method(let method, let channel):
      return channel == QueueInspection.channel
        ? inspected(method) : answered(method, now: now)
    case .workerDidNotStart(let reason): return workerDidNotStart(reason, now: now)
    case .workerEnded(let status): return workerEnded(status, now: now)
    case .copyPublished(let outcome): return copyPublished(outcome, now: now)
    case .signal(let signal): return received(signal, now: now)
    case .timer(let timer): return elapsed(timer, now: now)
    }
  }

  /// The first event of all.
  public mutating func start(now: ContinuousClock.Instant) -> [RunnerAction] {
    startedAt = now
    idleSince = now
    return connect() + [.set(.report, after: Self.reportPeriod)]
  }

  private mutating func answered(
    _ method: Method, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    switch method {
    case .queueDeclareOK(let status):
      isAckUnconfirmed = false
      return counted(status, now: now)
    case .basicConsumeOK:
      isAckUnconfirmed = false
      return consuming(now: now)
    case .basicCancelOK: return phase == .looking ? looked(now: now) : withdrawn()
    case .basicCancel: return consumerCancelled()
    case .channelClose(let reason): return channelClosed(reason, now: now)
    case .channelCloseOK: return settled()
    default: return []
    }
  }

  private mutating func elapsed(
    _ timer: RunnerTimer, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    switch timer {
    case .connectLimit: return connectLimitReached()
    case .retry: return retry()
    case .idle: return idled(now: now)
    case .look: return look()
    case .workerLimit: return workerLimitReached()
    case .grace: return graceEnded()
    case .settlementLimit: return settlementLimitReached(now: now)
    case .report: return report(now: now)
    }
  }

  // MARK: Ending

  /// Ends at once. The line says why.
  mutating func finish(_ status: ExitStatus, _ line: String? = nil) -> [RunnerAction] {
    phase = .finished
    return (line.map { [.log(LogEntry(.error, $0))] } ?? []) + [.disconnect, .finish(status)]
  }

  /// The same with a connection that is open: it is closed cleanly, and the end comes when the broker has answered.
  mutating func closeAndFinish(_ status: ExitStatus, _ line: String? = nil) -> [RunnerAction] {
    phase = .closing(status)
    return (line.map { [.log(LogEntry(.error, $0))] } ?? []) + [
      .endOfWork, .closeConnection, .set(.settlementLimit, after: Self.closeLimit),
    ]
  }

  /// The status of a runner that took all the items it could.
  var result: ExitStatus { failedCount == 0 ? .success : .failure }

  /// The broker that we have a connection to, or try to have one.
  var broker: BrokerURL { options.brokers[max(0, attemptCount - 1) % options.brokers.count] }

  /// Queue and broker, as messages name them.
  var place: String {
    "queue '\(options.queue)' at \(broker)"
  }

  // MARK: Reporting

  static let reportPeriod: Duration = .seconds(60)
  /// How long the broker may take to answer a close when nothing depends on it.
  static let closeLimit: Duration = .milliseconds(500)

  private mutating func report(now: ContinuousClock.Instant) -> [RunnerAction] {
    let again = RunnerAction.set(.report, after: Self.reportPeriod)
    guard let idleSince, job == nil else { return [again] }
    let minutes = Int(idleSince.duration(to: now) / .seconds(60))
    let what: String
    switch phase {
    case .connecting:
      what = connectFailure.map { "\($0); still trying" } ?? "connecting to the broker"
    case .awaitingQueue: what = "waiting for \(place) to be declared"
    case .looking: what = "waiting for the other consumers of \(place) to end"
    default: what = "waiting for an item in \(place)"
    }
    return [.log(LogEntry(.notice, "\(what) (\(minutes) min)")), again]
  }
}
