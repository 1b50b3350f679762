internal import AMQP
internal import Broker
internal import Console
internal import Linux

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
      let isTooLarge = reason == .tooLarge
      let what: LogMessage = isTooLarge ? "it is too large\(naming: .maxItemSize)" : "its properties cannot be read"
      return setAside(item, in: index, reason, what, by: move)
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
    _ item: WorkItem, in index: Int, _ reason: DeadLetter.Reason, _ what: LogMessage, by move: Move
  ) -> [RunnerAction] {
    tally.taken += 1
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

  // MARK: Signals

  /// The runner has received a signal, which may be meant for the workers, too.
  mutating func received(_ signal: Signal) -> [RunnerAction] {
    let ends = [Signal.terminate, .interrupt, .hangup].contains(signal)
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
    let what = Self.refusal(status)
    if let actions = abandonedEnded("\(what) (\(reason))", nil, in: index) { return actions }
    guard let job = slots[index].job else { return [] }
    if case .orphaned = slots[index].state {
      let failure = Outcome.Failure(reason: .notStarted, exitStatus: status)
      return breakOff(status, "\(what) (\(reason)); the item of \(queueLabel) went back with its connection")
        + ended(job, in: index, as: .failed(failure), "\(what) (\(reason))", status: nil)
    }
    tally.taken -= 1
    let move = Move(destination: .queue, attempts: job.item.attempt - 1)
    let moving = MovingItem(item: job.item, move: move, ended: nil, isUnwanted: true)
    return [.cancel(.workerLimit(slot: index))] + begin(moving, in: index)
      + breakOff(status, "\(what) (\(reason)); the item of \(queueLabel) goes back as it was")
  }

  private static func refusal(_ status: ExitStatus) -> LogMessage {

    switch status {
    case .internalError: "the system starts no worker"
    case .unreachable: "a step does not answer"
    case .inputOutputError: "a file of the worker cannot be used"
    default: "the worker's command cannot be run"
    }
  }

  mutating func workerDidNotStart(
    _ reason: String, in index: Int
  ) -> [RunnerAction] {
    let what: LogMessage = "the worker could not be started (\(reason))"
    if let actions = abandonedEnded(what, nil, in: index) { return actions }
    guard let job = slots[index].job else { return [] }
    let failure = Outcome.Failure(reason: .notStarted, exitStatus: .failure)
    return ended(job, in: index, as: .failed(failure), what, status: nil)
  }

  mutating func workerEnded(
    _ status: ProcessStatus, _ standardError: String?, in index: Int
  ) -> [RunnerAction] {
    if let actions = abandonedEnded(Self.end(status, "the worker"), status, in: index) { return actions }
    guard let job = slots[index].job else { return [] }
    let (outcome, what) = judge(job, status, "the worker")
    return ended(job, in: index, as: outcome, what, status: status, standardError)
  }

  /// The item is no longer this runner's, whatever the worker did. `what` says that. nil for any other item.
  mutating func abandonedEnded(
    _ what: LogMessage, _ status: ProcessStatus?, step: String? = nil, in index: Int
  ) -> [RunnerAction]? {
    guard case .abandoning(let job, let settlement) = slots[index].state else { return nil }
    let ended = EndedJob(job, as: .abandoned, what, status: status, step: step, now: now)
    tally.count(ended.outcome)
    slots[index].handle(.workerEnded(isStopping: isStopping))
    return [.cancel(.grace(slot: index)), .cancel(.workerLimit(slot: index)), .releaseBody(slot: index)]
      + record(ended, as: settlement)
  }

  /// How a worker ended, in words.
  static func end(_ status: ProcessStatus, _ worker: String) -> LogMessage {
    switch status {
    case .exited(let code): "\(worker) exited with \(code)"
    case .killed(let signal): "\(worker) was killed by \(signal)"
    }
  }

  /// `worker` names the worker in messages.
  func judge(_ job: Job, _ status: ProcessStatus, _ worker: String) -> (Outcome, what: LogMessage) {
    let judgement = judgeAlone(job, status, worker)
    return job.outputLoss.map { judged(job, judgement, worker, outputLoss: $0) } ?? judgement
  }

  /// The same, wherever the worker's output is.
  private func judgeAlone(_ job: Job, _ status: ProcessStatus, _ worker: String) -> (Outcome, what: LogMessage) {
    if let judgement = judgeStopped(job, worker), job.hasTimedOut || status != .exited(0) { return judgement }
    if status == .exited(0) { return (.done, "done") }
    let exitStatus = ExitStatus(worker: status, raw: options.worker.rawStatus)
    let reason: DeadLetter.Reason = if case .killed = status { .killed } else { .failed }
    return (.failed(.init(reason: reason, exitStatus: exitStatus)), Self.end(status, worker))
  }

  /// nil if the runner did not tell the worker to end.
  func judgeStopped(_ job: Job, _ worker: String) -> (Outcome, what: LogMessage)? {
    if job.hasTimedOut {
      let limit = options.worker.timeout?.text ?? ""
      return (
        .failed(.init(reason: .timedOut, exitStatus: .timedOut)),
        "\(worker) ran for longer than \(limit)\(naming: .timeout)"
      )
    }
    return job.interruption.map { (.interrupted($0), "stopped by \($0)") }
  }
}
