internal import AMQP
internal import Broker
internal import Console
internal import Linux

/// A runner's decisions: events in, actions out, no I/O, no clock. Each file beside this one holds
/// one part of a runner's life; this one holds what they share, and passes events on.
///
/// It connects, looks at the queue, fills its slots with items, has a worker run on each, settles them,
/// and ends when it has taken as many as it was asked for, when the queue is drained, or when
/// something forbids to go on.
package struct Runner: Sendable {
  enum Phase: Hashable, Sendable {
    case new
    /// No connection; an attempt at one is under way, or comes after a pause.
    case connecting
    /// Asked what kind of a queue it is.
    case inspecting
    /// The queue is not there yet; it is asked for again after a pause.
    case awaitingQueue
    /// The slots take items, and work on them.
    case serving
    /// Nothing in hand, and looking whether the queue is drained.
    case looking
    /// All is over but the connections' close.
    case closing(ExitStatus)
    case finished
  }

  let options: JobOptions
  var queue: WorkQueue
  let jitter: @Sendable () -> Double
  var phase = Phase.new
  var slots: [Slot]
  var policy: AttemptPolicy
  var tally = Tally()
  var drain: Drain

  // MARK: The connection

  /// Tried in turn.
  var brokers: [BrokerURL]
  /// How many attempts at a connection there have been.
  var attemptCount = 0
  /// The broker has let us in.
  var hasLoggedIn = false
  var outage = Outage()
  var connectFailure: BrokerFailure?
  /// The queue has been found to be one that can be served, and it is known what it has beside it.
  var isInspected = false
  /// The same was so at some time.
  var hasBeenInspected = false
  /// What has been asked about it, while not all is answered.
  var inspection: QueueInspection?
  /// It has been asked whether copies may be published.
  var isAwaitingPermission = false
  /// The server, where it is RabbitMQ.
  var server: ServerVersion?
  /// What is known of the queues beside a plain one, and what has been asked about them.
  var neighbours = QueueInspection.Neighbours.unknown
  var search: NeighbourSearch?
  /// What has been asked about where the queue's dead letters go.
  var targetSearch: DeadLetterTargetSearch?
  /// The channels of these questions that are open.
  var openSideChannels: Set<UInt16> = []
  /// Workers' ends that can be judged only when the answer is there.
  var earlyEnds: [RunnerEvent] = []
  /// How many bindings of a queue of our own the broker has yet to confirm.
  var unansweredBindings = 0
  /// Items that came in a pause.
  var earlyDeliveries: [EarlyDelivery] = []
  /// The broker has said something of the queue.
  var hasEverServed = false
  /// Items that were done while the broker was away, and may come back to us.
  var returning: [EndedJob] = []
  /// Why the broker takes no copies for now.
  var movesBlocked: String?
  /// How often, one after the other, a connection or channel was lost with items whose copies were published.
  var copyLosses = 0

  // MARK: Time

  /// The time of the event that is being handled.
  private(set) var now: ContinuousClock.Instant
  private(set) var startedAt: ContinuousClock.Instant
  /// Since when there has been nothing to do.
  var idleSince: ContinuousClock.Instant?
  /// No item is taken for a while after failures in a row.
  var isPausing = false
  /// When it was said last what is being waited for.
  var reported: [Waiting: ContinuousClock.Instant] = [:]

  // MARK: The end

  /// What makes it impossible to go on, and true what was done until then.
  var brokenStatus: ExitStatus?
  /// The signal that told us to end.
  var stopSignal: Signal?
  var stoppedAt: ContinuousClock.Instant?
  /// Whether the workers were told, too.
  var hasStoppedWorkers = false
  var isDrained = false
  /// A signal came when there was nothing left to stop.
  var isEndAwaited = false
  /// The broker has left what it was told at the end without an answer.
  var isBrokerSilent = false
  /// What goes with a status that is no success has been said.
  var hasReportedError = false

  /// `jitter` returns a number from 0 to 1 and is called for each pause. It spreads the pauses of many runners. Without it, two
  /// runners that probe the queue at the same time would do so every time, and would see each other's consumers for ever.
  package init(_ options: JobOptions, now: ContinuousClock.Instant, jitter: @escaping @Sendable () -> Double) {
    self.options = options
    self.now = now
    startedAt = now
    brokers = options.brokers
    self.jitter = jitter
    queue = WorkQueue(options.queue)
    drain = Drain(queue)
    policy = AttemptPolicy(options: options.attempts, runsMalformed: options.runsMalformed)
    slots = (1...max(1, min(options.parallelism, options.mostItems))).map { Slot(channel: UInt16($0)) }
    if let assumed = options.assumed {
      policy.standing = accepted(assumed)
      isInspected = !mayBeInspected
    }
  }

  /// Decides what to do about `event`.
  package mutating func handle(_ event: RunnerEvent, now: ContinuousClock.Instant) -> [RunnerAction] {
    self.now = now
    if case .closing(let status) = phase { return closing(event, status) }
    if let slot = event.slot, !slots.indices.contains(slot) { return [] }
    if case .delivered(_, _, _, let slot) = event, keepsDeliveries {
      earlyDeliveries.append(EarlyDelivery(slot: slot, event: event))
      return []
    }
    var actions = keepsEnd(event) ? keepEnd(event) : decide(event)
    if search == nil || isStopping {
      let ends = earlyEnds
      earlyEnds = []
      actions += ends.flatMap { decide($0) }
    }
    if !keepsDeliveries {
      let deliveries = earlyDeliveries
      earlyDeliveries = []
      actions += deliveries.flatMap { decide($0.event) }
    }
    return actions + conclude()
  }

  /// What comes waits: a queue that goes with its last consumer has to keep ours in a pause.
  var keepsDeliveries: Bool {
    !isStopping && isPausing && options.mayDeleteItself
  }

  /// The first event of all.
  package mutating func start(now: ContinuousClock.Instant) -> [RunnerAction] {
    self.now = now
    startedAt = now
    idleSince = now
    let limit = options.drainTimeout.map { [RunnerAction.set(.drainLimit, after: $0)] } ?? []
    outage.begin(now: now)
    return connect() + [.set(.report, after: reportPeriod)] + limit
  }

  private mutating func decide(_ event: RunnerEvent) -> [RunnerAction] {
    switch event {
    case .connected(let server): return connected(to: server)
    case .connectionFailed(let failure): return connectionFailed(failure)
    case .connectionClosed: return connectionClosed()
    case .connectionsClosed: return []
    case .delivered(let envelope, let properties, let digest, let slot):
      let item = WorkItem(envelope: envelope, properties: properties, queue: queue.name, digest: digest)
      return take(item, in: slot)
    case .tooLarge(let envelope, let properties, let slot):
      var item = WorkItem(envelope: envelope, properties: properties, queue: queue.name)
      item.isTooLarge = true
      return takeTooLarge(item, in: slot)
    case .notStored(let envelope, let properties, let reason, let slot):
      let item = WorkItem(envelope: envelope, properties: properties, queue: queue.name)
      return notStored(item, reason, in: slot)
    case .method(let method, let channel): return received(method, on: channel)
    case .commandRefused(let status, let reason, let slot): return commandRefused(status, reason, in: slot)
    case .workerDidNotStart(let reason, let slot): return workerDidNotStart(reason, in: slot)
    case .workerEnded(let status, let standardError, let slot):
      return workerEnded(status, standardError, in: slot)
    case .workerStopped(let signal, let terminal, let slot): return workerStopped(by: signal, terminal, in: slot)
    case .moveConfirmed(let slot): return moveConfirmed(in: slot)
    case .moveAdvanced(let slot): return moveAdvanced(in: slot)
    case .moveFailed(let reason, let slot): return moveFailed(reason, in: slot)
    case .moveUnconfirmed(let reason, let slot): return moveUnconfirmed(reason, in: slot)
    case .moveRefused(let reason, let slot): return moveRefused(reason, in: slot)
    case .permission(let permission): return permissionTold(permission)
    case .movesBlocked(let reason): return movesBlocked(reason)
    case .signal(let signal): return received(signal)
    case .timer(let timer): return elapsed(timer)
    }
  }

  private mutating func received(
    _ method: Method, on channel: UInt16
  ) -> [RunnerAction] {
    guard let slot = slots.firstIndex(where: { $0.channel == channel }) else {
      return marksAnswered(method, on: channel) ?? inspected(method, on: channel)
    }
    switch method {
    case .queueDeclareOK(let status):
      // The questions of a look are behind its consumer.
      slots[slot].consumerConfirmed()
      return looking(.status(status))
    case .basicGetEmpty: return looking(.noMessage)
    case .basicQoSOK: return probed(in: slot)
    case .basicConsumeOK: return consuming(in: slot)
    case .basicCancelOK(let tag): return withdrawn(tag, in: slot)
    case .basicCancel(let tag): return consumerCancelled(tag, in: slot)
    case .channelClose(let reason): return channelClosed(reason, in: slot)
    case .channelCloseOK: return settled(in: slot)
    default: return []
    }
  }

  private mutating func elapsed(_ timer: RunnerTimer) -> [RunnerAction] {
    switch timer {
    case .connectLimit: return connectLimitReached()
    case .retry: return retry()
    case .idle: return idled()
    case .look: return phase == .looking ? look() : []
    case .searchLimit: return searchLimitReached()
    case .pause: return pauseEnded()
    case .drainLimit: return drainLimitReached()
    case .finishWindow: return finishWindowEnded()
    case .workerLimit(let slot): return workerLimitReached(in: slot)
    case .grace(let slot): return graceEnded(in: slot)
    case .settlementLimit(let slot): return settlementLimitReached(in: slot)
    case .closeLimit: return []
    case .report: return report()
    }
  }

  /// What begins a consumer in that slot.
  mutating func attach(_ index: Int) -> [Method] {
    slots[index].attach(to: queue.name, priority: options.consumerPriority)
  }

  /// There is a connection, and the queue has been found.
  var isServing: Bool { isInspected && connectFailure == nil && (phase == .serving || phase == .looking) }

  /// Queue and broker, as messages name them.
  var place: String { (queue.name.isEmpty ? "a queue of our own" : "queue '\(queue.name)'") + " at \(broker)" }

  /// The broker that we have a connection to, or try to have one.
  var broker: BrokerURL { brokers[max(0, attemptCount - 1) % brokers.count] }
}

/// An item that came before its time.
struct EarlyDelivery: Hashable, Sendable {
  let slot: Int
  let event: RunnerEvent
}
