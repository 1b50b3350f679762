internal import AMQP
internal import Broker
internal import Console
internal import Linux

/// The decisions of a runner: it turns events into actions, without I/O and without a clock. This file passes events on. Each
/// extension of `Runner` is about one part of the runner's life, and each part of its state is a value of its own.
///
/// A runner connects, inspects the queue, attaches consumers, starts a worker on each item, and settles the items. It ends when it
/// has taken as many items as it was asked for, when the queue is drained, or when it is impossible to go on.
package struct Runner: Sendable {
  enum Phase: Hashable, Sendable {
    case new
    /// The steps have not all answered yet.
    case awaitingSteps
    /// There is no connection. An attempt is under way, or follows after a pause.
    case connecting
    /// The broker is being asked what kind of queue it is.
    case inspecting
    /// The queue does not exist yet. The runner asks again after a pause.
    case awaitingQueue
    /// The slots take items, and workers run on them.
    case serving
    /// No item is in hand, and the runner probes whether the queue is drained.
    case probing
    /// Only the close of the connections is left.
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
    session = Session(brokers: options.brokers)
    inspection = Inspection(WorkQueue(options.queue), retryLevels: options.attempts.retryLevels)
    drain = Drain(inspection.queue)
    report = Report(startedAt: now, depth: Depth(inspection.queue))
    policy = AttemptPolicy(options: options.attempts, jitter: jitter)
    slots = (1...options.slotCount).map { Slot(channel: UInt16($0)) }
    pause = Pause(parallelism: slots.count, jitter: jitter)
    if let assumed = options.assumed {
      policy.take(assumed)
      inspection = Inspection(
        queue, isComplete: !mayBeInspected, retryLevels: options.attempts.retryLevels)
    }
  }

  /// Decides what to do about `event`.
  package mutating func handle(_ event: RunnerEvent, now: ContinuousClock.Instant) -> [RunnerAction] {
    self.now = now
    if case .closing(let status) = phase { return closing(event, status) }
    if let slot = event.slot, !slots.indices.contains(slot) { return [] }
    if case .delivered(_, _, _, _, _, let slot) = event, keepsDeliveries {
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
    return actions + startBatches() + conclude()
  }

  /// Deliveries are deferred. A queue that is deleted with its last consumer has to keep its consumer during a pause.
  var keepsDeliveries: Bool {
    !isStopping && pause.isActive && options.mayDeleteItself
  }

  /// The first event of all.
  package mutating func start(now: ContinuousClock.Instant) -> [RunnerAction] {
    self.now = now
    report.start(now: now)
    let limit = options.drainTimeout.map { [RunnerAction.set(.drainLimit, after: $0)] } ?? []
    let progress: [RunnerAction] = options.report.progressPeriod == nil ? [] : [.set(.progress, after: .zero)]
    return (options.worker.hasSteps ? awaitSteps() : begin()) + [.set(.report, after: reportPeriod)] + limit + progress
  }

  mutating func begin() -> [RunnerAction] {
    session.outage.begin(now: now)
    // Nothing more will be found out about a queue that is assumed to be classic.
    return (inspection.isComplete ? warnOfDrops() : []) + connect()
  }

  private mutating func decide(_ event: RunnerEvent) -> [RunnerAction] {
    switch event {
    case .spanBegun(let span, let slot): return spanBegun(span, in: slot)
    case .resultBegun(let slot): return resultBegun(in: slot)
    case .resultPublished(let size, let slot): return resultPublished(size, in: slot)
    case .outputLost(let place, let reason, let slot): return outputLost("\(place): \(reason)", in: slot)
    case .stepsReady, .stepSilent, .stepAnswered, .stepRefused, .stepUnavailable: return stepChanged(event)
    case .connected(let server): return connected(to: server)
    case .connectionFailed(let failure): return connectionFailed(failure)
    case .connectionClosed: return connectionClosed()
    case .connectionsClosed: return []
    case .delivered(let envelope, let properties, let size, let digest, let time, let slot):
      var item = WorkItem(envelope: envelope, properties: properties, queue: queue.name, digest: digest)
      (item.bodySize, item.receivedAt) = (size, time)
      return take(item, in: slot)
    case .tooLarge(let envelope, let properties, let slot):
      var item = WorkItem(envelope: envelope, properties: properties, queue: queue.name)
      item.isTooLarge = true
      return takeUnusable(item, in: slot)
    case .unfit: return takeUnfit(event)
    case .notStored(let envelope, let properties, let reason, let slot):
      return notStored(WorkItem(envelope: envelope, properties: properties, queue: queue.name), reason, in: slot)
    case .method(let method, let channel): return received(method, on: channel)
    case .sharedChannelClosed(let reason, let slots): return channelClosed(reason, in: slots)
    case .commandRefused(let status, let reason, let slot): return commandRefused(status, reason, in: slot)
    case .workerEnded(_, _, let slot), .workerDidNotStart(_, let slot), .stepFailed(_, let slot),
      .resultRefused(_, let slot):
      return jobEnded(by: event, in: slot)
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
      return marksAnswered(method, on: channel) ?? progressAnswered(method, on: channel)
        ?? inspected(method, on: channel)
    }
    switch method {
    case .queueDeclareOK(let status):
      if let actions = detachAnswered(status, in: slot) { return actions }
      // The questions of a probe were sent after its consumer was attached.
      slots[slot].consumerConfirmed()
      return probeAnswered(.status(status))
    case .basicGetEmpty: return probeAnswered(.noMessage)
    case .basicQoSOK: return prefetchAnswered(in: slot)
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
    case .probe: return phase == .probing ? probe() : []
    case .searchLimit: return searchLimitReached()
    case .pause: return pauseEnded()
    case .drainLimit: return drainLimitReached()
    case .finishWindow: return finishWindowEnded()
    case .workerLimit(let slot): return workerLimitReached(in: slot)
    case .grace(let slot): return graceEnded(in: slot)
    case .settlementLimit(let slot): return settlementLimitReached(in: slot)
    // A batch is started after each event for which it is time.
    case .batchWait, .closeLimit: return []
    case .report: return reportWaiting()
    case .progress: return showProgress()
    }
  }

  /// Attaches a consumer to the slot.
  mutating func attach(_ index: Int) -> [Method] {
    slots[index].attach(to: queue.name, priority: options.consumerPriority)
  }

  /// The runner is connected, and has its queue.
  var isServing: Bool { inspection.isComplete && session.failure == nil && (phase == .serving || phase == .probing) }

  /// The queue and the broker, as messages name them.
  var queueLabel: String { (queue.name.isEmpty ? "a queue of our own" : "queue '\(queue.name)'") + " at \(broker)" }

  var queue: WorkQueue { inspection.queue }

  var broker: BrokerURL { session.broker }
}
