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
  /// The time of the event that is being handled.
  private(set) var now: ContinuousClock.Instant
  var phase = Phase.new
  var session: Session
  var inspection: Inspection
  var policy: AttemptPolicy
  var slots: [Slot]
  var deferred = DeferredEvents()
  var returning = ReturningItems()
  var copyState = CopyState()
  var drain: Drain
  var pause: Pause
  var tally = Tally()
  var stop = Stop()
  var report: Report

  /// `jitter` returns a number from 0 to 1, a new one for each pause.
  package init(_ options: JobOptions, now: ContinuousClock.Instant, jitter: @escaping @Sendable () -> Double) {
    self.options = options
    self.now = now
    report = Report(startedAt: now)
    pause = Pause(jitter: jitter)
    session = Session(brokers: options.brokers)
    inspection = Inspection(WorkQueue(options.queue))
    drain = Drain(inspection.queue)
    policy = AttemptPolicy(options: options.attempts, runsMalformed: options.runsMalformed)
    slots = (1...max(1, min(options.parallelism, options.mostItems))).map { Slot(channel: UInt16($0)) }
    if let assumed = options.assumed {
      policy.standing = accepted(assumed)
      inspection = Inspection(queue, isComplete: !mayBeInspected)
    }
  }

  /// Decides what to do about `event`.
  package mutating func handle(_ event: RunnerEvent, now: ContinuousClock.Instant) -> [RunnerAction] {
    self.now = now
    if case .closing(let status) = phase { return closing(event, status) }
    if let slot = event.slot, !slots.indices.contains(slot) { return [] }
    if case .delivered(_, _, _, let slot) = event, keepsDeliveries {
      deferred.deferDelivery(event, in: slot)
      return []
    }
    var actions = keepsEnd(event) ? keepEnd(event) : decide(event)
    if inspection.neighbourSearch == nil || isStopping {
      actions += deferred.takeWorkerEnds().flatMap { decide($0) }
    }
    if !keepsDeliveries {
      actions += deferred.takeDeliveries().flatMap { decide($0) }
    }
    return actions + conclude()
  }

  /// What comes waits: a queue that goes with its last consumer has to keep ours in a pause.
  var keepsDeliveries: Bool {
    !isStopping && pause.isActive && options.mayDeleteItself
  }

  /// The first event of all.
  package mutating func start(now: ContinuousClock.Instant) -> [RunnerAction] {
    self.now = now
    report.start(now: now)
    let limit = options.drainTimeout.map { [RunnerAction.set(.drainLimit, after: $0)] } ?? []
    session.outage.begin(now: now)
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
    case .report: return reportWaiting()
    }
  }

  /// What begins a consumer in that slot.
  mutating func attach(_ index: Int) -> [Method] {
    slots[index].attach(to: queue.name, priority: options.consumerPriority)
  }

  /// There is a connection, and the queue has been found.
  var isServing: Bool { inspection.isComplete && session.failure == nil && (phase == .serving || phase == .looking) }

  /// Queue and broker, as messages name them.
  var place: String { (queue.name.isEmpty ? "a queue of our own" : "queue '\(queue.name)'") + " at \(broker)" }

  var queue: WorkQueue { inspection.queue }

  var broker: BrokerURL { session.broker }
}
