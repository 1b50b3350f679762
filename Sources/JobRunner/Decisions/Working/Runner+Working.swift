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
    case .idle, .cancelling:
      // Nobody ran the item, and a plain requeue would be counted. For a moment no consumer shows that the runner holds it.
      drain.interrupt(finding: .items)
      let move = Move(destination: .queue, attempts: item.attempt - 1)
      return begin(MovingItem(item: item, move: move, ended: nil, isUnwanted: true), in: index)
    case .noChannel, .confirming, .closing, .closed: return [.releaseBody(slot: index)]
    case .working, .orphaned, .holding, .abandoning, .copying:
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
    case .run: return startWorker(on: item, in: index)
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
      default: "its properties cannot be read"
      }
    let failure = Outcome.Failure(reason: reason, exitStatus: .failure)
    let ended = EndedJob(
      item: item, outcome: .failed(failure), what: what, status: nil, startedAt: now, duration: .zero)
    tally.count(ended.outcome)
    // An item that is too large is passed on while it arrives. Until its end, nothing else can arrive on the connection.
    return begin(MovingItem(item: item, move: move, ended: ended), in: index, asking: !item.isTooLarge)
  }

  /// The item is too large to be stored. Its body is available only for a copy.
  mutating func takeTooLarge(_ item: WorkItem, in index: Int) -> [RunnerAction] {
    // This event cannot be deferred.
    guard !keepsDeliveries || slots[index].state != .consuming else {
      let move = Move(destination: .queue, attempts: item.attempt - 1)
      return begin(MovingItem(item: item, move: move, ended: nil, isUnwanted: true), in: index)
    }
    return take(item, in: index)
  }

  mutating func startWorker(on item: WorkItem, in index: Int) -> [RunnerAction] {
    tally.taken += 1
    slots[index].handle(.start(Job(item: item, startedAt: now)))
    let limit = options.worker.timeout.map { [RunnerAction.set(.workerLimit(slot: index), after: $0)] } ?? []
    return [.startWorker(item, slot: index)] + limit
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
    var actions: [RunnerAction] = []
    for index in slots.indices where slots[index].hasWorker {
      slots[index].interrupt(by: signal)
      actions += [.signalWorker(signal, slot: index), .set(.grace(slot: index), after: options.worker.grace)]
    }
    return actions
  }

  private func toWorkers(_ signal: Signal) -> [RunnerAction] {
    slots.indices.filter { slots[$0].hasWorker }.map { .signalWorker(signal, slot: $0) }
  }

  // MARK: Limits

  mutating func workerLimitReached(in index: Int) -> [RunnerAction] {
    // A worker that was told to end already has its grace period.
    guard let job = slots[index].job, job.interruption == nil else { return [] }
    slots[index].timeOut()
    return [.signalWorker(.terminate, slot: index), .set(.grace(slot: index), after: options.worker.grace)]
  }

  func graceEnded(in index: Int) -> [RunnerAction] {
    slots[index].hasWorker ? [.signalWorker(.kill, slot: index)] : []
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
      let move = Move(destination: .queue, attempts: item.attempt - 1)
      return begin(MovingItem(item: item, move: move, ended: nil, isUnwanted: true), in: index)
        + breakOff(
          .inputOutputError,
          "an item of \(queueLabel) cannot be stored, and goes back as it was: \(reason)"
            + "\(naming: .spoolDirectory, otherwise: " (TMPDIR)")")
    default: return take(item, in: index)
    }
  }

  // MARK: Ends

  /// The command cannot be run for any item. This item goes back as one that nobody ran.
  mutating func commandRefused(_ status: ExitStatus, _ reason: String, in index: Int) -> [RunnerAction] {
    let what: LogMessage = "\(Self.refusal(status)) (\(reason))"
    let failure = Outcome.Failure(reason: .notStarted, exitStatus: status)
    let end = WorkerEnd(notStarted: what, failure)
    if case .abandoning(let job, let settlement) = slots[index].state {
      return abandonedEnded(EndedJob(job, (.abandoned, what), end, at: now), as: settlement, in: index)
    }
    guard let job = slots[index].job else { return [] }
    if case .orphaned = slots[index].state {
      return breakOff(status, "\(what); the item of \(queueLabel) went back with its connection")
        + ended(EndedJob(job, (.failed(failure), what), end, at: now), in: index)
    }
    tally.taken -= 1
    let move = Move(destination: .queue, attempts: job.item.attempt - 1)
    let moving = MovingItem(item: job.item, move: move, ended: nil, isUnwanted: true)
    return [.cancel(.workerLimit(slot: index))] + begin(moving, in: index)
      + breakOff(status, "\(what); the item of \(queueLabel) goes back as it was")
  }

  private static func refusal(_ status: ExitStatus) -> LogMessage {
    switch status {
    case .internalError: "the system starts no worker"
    case .unreachable: "a step does not answer"
    case .inputOutputError: "a file of the worker cannot be used"
    default: "the worker's command cannot be run"
    }
  }

  /// A worker has ended on its item, or could not be started on it.
  mutating func jobEnded(by end: RunnerEvent, in index: Int) -> [RunnerAction] {
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
    return [.cancel(.grace(slot: index)), .cancel(.workerLimit(slot: index)), .releaseBody(slot: index)]
      + record(ended, as: settlement)
  }
}
