internal import AMQP
internal import Broker
internal import Console
internal import Linux
internal import Telemetry

/// Running workers on items.
extension Runner {
  mutating func take(_ item: WorkItem, in index: Int) -> [RunnerAction] {
    if item.envelope.consumerTag.isEmpty { return gotInProbe(item, in: index) }
    switch slots[index].state {
    case .consuming: break
    // The consumer is cancelled so that a batch can begin, and this item still belongs to it.
    case .cancelling where isBatchClosing(with: index): slots[index].handle(.consume)
    case .idle, .cancelling:
      // For a moment no consumer shows that the runner holds the item.
      drain.interrupt(finding: .items)
      return giveBackUnrun(item, in: index)
    case .noChannel, .confirming, .closing, .closed: return [.releaseBody(slot: index)]
    case .collected, .working, .orphaned, .holding, .abandoning, .copying:
      // The item came although the slot did not ask for one.
      return [.send(slots[index].on([Self.requeue(item)]))]
    }
    drain.interrupt()
    // With a prefetch count of 1, the next item shows that the broker took the last ack.
    answered(in: index)
    slots[index].consumerConfirmed()
    let others = phase == .probing ? [.cancel(.connectLimit)] + serve() : []
    report.busy()
    return takeWanted(item, in: index) + others
  }

  private mutating func takeWanted(
    _ item: WorkItem, in index: Int
  ) -> [RunnerAction] {
    if let returned = takeReturned(item, in: index) { return returned }
    switch policy.receipt(of: item) {
    case .run: return run(item, in: index)
    case .recount:
      var move = Move(destination: .queue, attempts: item.attempt - 1)
      // On a queue with retries, every runner counts a return before the item is run again.
      move.areAttemptsMinimum = item.hasUncountedReturn && !policy.hasRetries
      return begin(MovingItem(item: item, move: move, ended: nil), in: index, asking: true)
    case .deadLetter:
      return begin(exhausted(item), in: index, asking: true)
    case .setAside(let move, let reason):
      return setAside(item, in: index, reason, by: move)
    }
  }

  /// The item goes back as a copy, because nobody ran it, and a plain requeue would be counted.
  mutating func giveBackUnrun(_ item: WorkItem, in index: Int) -> [RunnerAction] {
    let move = Move(destination: .queue, attempts: item.attempt - 1)
    return begin(MovingItem(item: item, move: move, ended: nil, isUnwanted: true), in: index)
  }

  private func exhausted(_ item: WorkItem) -> MovingItem {
    let (cause, used) = (item.lastAttempt, item.attempt - 1)
    let least = item.isAttemptMinimum ? "at least " : ""
    let ended = EndedJob(
      item: item, outcome: .failed(Outcome.Failure(reason: cause.reason, exitStatus: .failure)),
      what:
        "no attempt is left (\(least)\(used) of \(options.attempts.maxAttempts) used), it was not run; \(cause.text)",
      status: nil, startedAt: now, duration: .zero)
    let move = Move(destination: policy.lastDestination(cause), attempts: used)
    return MovingItem(item: item, move: move, ended: ended, isExhausted: true)
  }

  private mutating func setAside(
    _ item: WorkItem, in index: Int, _ reason: DeadLetter.Reason, by move: Move
  ) -> [RunnerAction] {
    tally.taken += 1
    let what: LogMessage =
      switch reason {
      case .tooLarge: "it is too large\(naming: .maxItemSize)"
      case .expired: "it is too old\(naming: .maxItemAge)"
      default: "\(item.unfitReason ?? "its properties cannot be read")"
      }
    let failure = Outcome.Failure(reason: reason, exitStatus: .failure)
    let ended = EndedJob(
      item: item, outcome: .failed(failure), what: what, status: nil, startedAt: now, duration: .zero)
    tally.count(ended.outcome)
    // An item that is too large is passed on while it arrives. Until its end, nothing else can arrive on the connection.
    return begin(MovingItem(item: item, move: move, ended: ended), in: index, asking: !item.isTooLarge)
  }

  /// The body is there, and no worker can get it in the way that was asked for.
  mutating func takeUnfit(_ event: RunnerEvent) -> [RunnerAction] {
    guard case .unfit(let envelope, let properties, let size, let reason, let slot) = event else { return [] }
    var item = WorkItem(envelope: envelope, properties: properties, queue: queue.name)
    (item.bodySize, item.unfitReason) = (size, reason)
    return takeUnusable(item, in: slot)
  }

  /// No worker can get the body, because it is too large to be stored, say. It is available only for a copy.
  mutating func takeUnusable(_ item: WorkItem, in index: Int) -> [RunnerAction] {
    // This event cannot be deferred.
    guard !keepsDeliveries || slots[index].state != .consuming else { return giveBackUnrun(item, in: index) }
    return take(item, in: index)
  }

  /// A worker gets the item now, or with the rest of its batch.
  mutating func run(_ item: WorkItem, in index: Int) -> [RunnerAction] {
    if let batch = options.worker.batch { return collect(item, for: batch, in: index) }
    start(item, in: index)
    return [.startWorker(item, slot: index)] + workerLimit(in: index)
  }

  func workerLimit(in worker: Int) -> [RunnerAction] {
    options.worker.timeout.map { [.set(.workerLimit(slot: worker), after: $0)] } ?? []
  }

  mutating func start(_ item: WorkItem, in index: Int) {
    tally.taken += 1
    slots[index].handle(.start(Job(item: item, startedAt: now)))
  }

  mutating func spanBegun(_ span: SpanContext, in index: Int) -> [RunnerAction] {
    slots[index].spanBegun(span)
    return []
  }

  // MARK: Signals

  /// The runner has received a signal, which may be meant for the workers, too.
  mutating func received(_ signal: Signal) -> [RunnerAction] {
    let ends = Signal.endings.contains(signal)
    let hasWorkers = slots.contains(where: \.hasWorker)
    guard ends || signal == .quit && !hasWorkers else { return toWorkers(signal) }
    switch stop.response(to: signal, now: now) {
    case .begin: return beginStop(by: signal)
    case .ignore: return []
    case .stopWorkers: return stopWorkers(signal)
    case .toWorkers(let signal): return toWorkers(signal)
    }
  }

  private mutating func beginStop(by signal: Signal) -> [RunnerAction] {
    // All slots are ending already.
    guard !slots.allSatisfy(\.isEnding) else {
      stop.endAwaited()
      return []
    }
    stop.begin(signal, now: now)
    guard slots.contains(where: \.hasWorker) else {
      let doing = phase == .connecting || phase == .new ? "connecting" : "waiting"
      // The last line says how the items were settled. For several items it names the signal, too.
      let isSaidInTheEnd = slots.contains(where: \.isSettling) || options.isOfSeveral && stop.brokenStatus == nil
      let level: LogEntry.Level = options.extent == .forever || stop.brokenStatus != nil ? .notice : .error
      return (isSaidInTheEnd ? [] : [said(level, "stopped by \(signal) while \(doing), with no item in hand")])
        + stopTaking()
    }
    guard options.workersMayFinish else { return stopWorkers(signal) + stopTaking() }
    return [said(.notice, "\(signal): taking no more items, waiting for the workers to end")] + stopTaking()
  }

  private mutating func stopWorkers(_ signal: Signal) -> [RunnerAction] {
    stop.workersStopped(now: now)
    return workers.flatMap { worker in
      for index in members(of: worker) { slots[index].interrupt(by: signal) }
      return tell(worker, signal)
    }
  }

  private func toWorkers(_ signal: Signal) -> [RunnerAction] {
    workers.map { .signalWorker(signal, slot: $0) }
  }

  /// Tells the worker to end, within the grace period.
  func tell(_ worker: Int, _ signal: Signal) -> [RunnerAction] {
    [.signalWorker(signal, slot: worker), .set(.grace(slot: worker), after: options.worker.grace)]
  }

  // MARK: Limits

  mutating func workerLimitReached(in worker: Int) -> [RunnerAction] {
    // A worker that was told to end already has its grace period.
    let late = members(of: worker).filter { slots[$0].job.map { $0.interruption == nil } ?? false }
    for index in late { slots[index].timeOut() }
    return late.isEmpty ? [] : tell(worker, .terminate)
  }

  func graceEnded(in worker: Int) -> [RunnerAction] {
    members(of: worker).isEmpty ? [] : [.signalWorker(.kill, slot: worker)]
  }

  /// The body cannot be stored, so no worker can get it. The item goes back as a copy, because a plain requeue would be counted
  /// towards a delivery limit.
  mutating func notStored(
    _ item: WorkItem, _ reason: String, in index: Int
  ) -> [RunnerAction] {
    switch slots[index].state {
    // The body of an item that a probe has found is not needed.
    case _ where item.envelope.consumerTag.isEmpty: return take(item, in: index)
    case .consuming, .idle, .cancelling:
      return giveBackUnrun(item, in: index)
        + breakOff(
          .inputOutputError,
          "an item of \(queueLabel) cannot be stored, and goes back as it was: \(reason)"
            + "\(naming: .spoolDirectory, otherwise: " (TMPDIR)")")
    default: return take(item, in: index)
    }
  }

  // MARK: Ends

  /// The command cannot be run for any item. What the worker was to get goes back as items that nobody ran.
  mutating func commandRefused(_ status: ExitStatus, _ reason: String, in worker: Int) -> [RunnerAction] {
    let what: LogMessage = "\(Self.refusal(status)) (\(reason))"
    let failure = Outcome.Failure(reason: .notStarted, exitStatus: status)
    let end = WorkerEnd(notStarted: what, failure)
    let members = members(of: worker)
    let items: LogMessage = "\(members.count == 1 ? "the item" : members.count.counted("item")) of \(queueLabel)"
    guard let first = members.first(where: { slots[$0].job != nil }) else {
      return members.flatMap { refused(failure, end, in: $0) }
    }
    if case .orphaned = slots[first].state {
      return breakOff(status, "\(what); \(items) went back with \(members.count == 1 ? "its" : "their") connection")
        + members.flatMap { refused(failure, end, in: $0) }
    }
    let cancel = RunnerAction.cancel(.workerLimit(slot: worker))
    return [cancel] + members.flatMap { refused(failure, end, in: $0) }
      + breakOff(status, "\(what); \(items) \(members.count == 1 ? "goes back as it was" : "go back as they were")")
  }

  private mutating func refused(
    _ failure: Outcome.Failure, _ end: WorkerEnd, in index: Int
  ) -> [RunnerAction] {
    switch slots[index].state {
    case .abandoning(let job, let settlement):
      return abandonedEnded(EndedJob(job, (.abandoned, end.what), end, at: now), as: settlement, in: index)
    case .orphaned(let job):
      return ended(EndedJob(job, (.failed(failure), end.what), end, at: now), in: index)
    case .working(let job):
      tally.taken -= 1
      return giveBackUnrun(job.item, in: index)
    default: return []
    }
  }

  private static func refusal(_ status: ExitStatus) -> LogMessage {
    switch status {
    case .internalError: "the system starts no worker"
    case .unreachable: "a step does not answer"
    case .inputOutputError: "a file of the worker cannot be used"
    default: "the worker's command cannot be run"
    }
  }

  /// The worker of the slot's item has ended.
  func workerLimitsOver(in index: Int) -> [RunnerAction] {
    [.cancel(.grace(slot: worker(of: index))), .cancel(.workerLimit(slot: worker(of: index)))]
  }

  /// A worker has ended on its items, or could not be started on them.
  mutating func jobEnded(by end: RunnerEvent, in worker: Int) -> [RunnerAction] {
    let members = members(of: worker)
    for index in members { slots[index].workerEnded(at: now) }
    let actions = members.flatMap { jobEnded(by: end, of: $0) }
    // The slots that had no item of the batch were idle while its worker ran.
    return actions + (options.worker.batch == nil ? [] : resume())
  }

  private mutating func jobEnded(by end: RunnerEvent, of index: Int) -> [RunnerAction] {
    if case .abandoning(let job, let settlement) = slots[index].state {
      return abandoned(job, endedBy: end).map { abandonedEnded($0, as: settlement, in: index) } ?? []
    }
    guard let job = slots[index].job, let ended = judge(job, endedBy: end, at: now) else { return [] }
    return self.ended(ended, in: index)
  }

  private mutating func abandonedEnded(
    _ ended: EndedJob, as settlement: Settlement, in index: Int
  ) -> [RunnerAction] {
    tally.count(ended.outcome)
    slots[index].handle(.workerEnded(isStopping: isStopping))
    return workerLimitsOver(in: index) + [.releaseBody(slot: index)] + record(ended, as: settlement)
  }
}
