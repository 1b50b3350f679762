internal import AMQP
internal import Broker
internal import Console
internal import Linux

/// Items in the hands of workers.
extension Runner {
  mutating func take(_ item: WorkItem, in index: Int) -> [RunnerAction] {
    if item.envelope.consumerTag.isEmpty { return gotInLook(item, in: index) }
    switch slots[index].state {
    case .consuming: break
    case .idle, .cancelling:
      // Nobody ran it: by itself its return would be counted. And for a moment nobody sees that we hold it.
      drain.interrupt(finding: .items)
      let move = Move(destination: .queue, attempts: item.attempt - 1)
      return begin(MovingItem(item: item, move: move, ended: nil, isUnwanted: true), in: index)
    case .noChannel, .confirming, .closing, .closed: return [.releaseBody(slot: index)]
    case .working, .orphaned, .holding, .abandoning, .copying:
      // It came unasked.
      return [.send(slots[index].on([Self.giveBack(item)]))]
    }
    drain.interrupt()
    // With a prefetch of one, this item's coming shows that the ack of the last one was taken.
    answered(in: index)
    slots[index].consumerConfirmed()
    let others = phase == .looking ? [.cancel(.connectLimit)] + serve() : []
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
      return begin(
        MovingItem(item: item, move: Move(destination: .queue, attempts: item.attempt - 1), ended: nil), in: index,
        asking: true)
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
    let ended = EndedJob(
      item: item, outcome: .failed(Outcome.Failure(reason: cause.reason, exitStatus: .failure)),
      what: "no attempt is left (\(used) of \(options.attempts.most) used), it was not run; \(cause.text)", status: nil,
      duration: .zero)
    let move = Move(destination: policy.lastDestination(cause), attempts: used)
    return MovingItem(item: item, move: move, ended: ended, isExhausted: true)
  }

  private mutating func setAside(
    _ item: WorkItem, in index: Int, _ reason: DeadLetter.Reason, _ what: LogMessage, by move: Move
  ) -> [RunnerAction] {
    tally.taken += 1
    let failure = Outcome.Failure(reason: reason, exitStatus: .failure)
    let ended = EndedJob(item: item, outcome: .failed(failure), what: what, status: nil, duration: .zero)
    tally.count(ended.outcome)
    // What is too large passes through as it comes: before its end nothing else does.
    return begin(MovingItem(item: item, move: move, ended: ended), in: index, asking: !item.isTooLarge)
  }

  /// Its body is more than is to be stored, and is there for a copy alone.
  mutating func takeTooLarge(_ item: WorkItem, in index: Int) -> [RunnerAction] {
    // Its coming cannot wait until more is known of the queue.
    guard !keepsDeliveries || slots[index].state != .consuming else {
      let move = Move(destination: .queue, attempts: item.attempt - 1)
      return begin(MovingItem(item: item, move: move, ended: nil, isUnwanted: true), in: index)
    }
    return take(item, in: index)
  }

  mutating func startWorker(on item: WorkItem, in index: Int) -> [RunnerAction] {
    tally.taken += 1
    slots[index].handle(.start(Job(item: item, startedAt: now)))
    let limit = options.timeout.map { [RunnerAction.set(.workerLimit(slot: index), after: $0)] } ?? []
    return [.startWorker(item, slot: index)] + limit
  }

  // MARK: Signals

  /// A signal, for us and for the workers.
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
    // What is being settled is the end already.
    guard !slots.allSatisfy(\.isEnding) else {
      stop.endAwaited()
      return []
    }
    stop.begin(signal, now: now)
    guard slots.contains(where: \.hasWorker) else {
      let doing = phase == .connecting || phase == .new ? "connecting" : "waiting"
      // The end says how what is being settled came out, and of several items it says the signal, too.
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
      actions += [.signalWorker(signal, slot: index), .set(.grace(slot: index), after: options.grace)]
    }
    return actions
  }

  private func toWorkers(_ signal: Signal) -> [RunnerAction] {
    slots.indices.filter { slots[$0].hasWorker }.map { .signalWorker(signal, slot: $0) }
  }

  // MARK: Limits

  mutating func workerLimitReached(in index: Int) -> [RunnerAction] {
    // One that was told to end already has its grace.
    guard let job = slots[index].job, job.interruption == nil else { return [] }
    slots[index].timeOut()
    return [.signalWorker(.terminate, slot: index), .set(.grace(slot: index), after: options.grace)]
  }

  func graceEnded(in index: Int) -> [RunnerAction] {
    slots[index].hasWorker ? [.signalWorker(.kill, slot: index)] : []
  }

  /// Its body cannot be kept, and so not be handed on: it goes back as one that nobody ran. By itself its return would be
  /// counted, and a limit be reached in the end.
  mutating func notStored(
    _ item: WorkItem, _ reason: String, in index: Int
  ) -> [RunnerAction] {
    switch slots[index].state {
    // Nobody wants the body of what a look has found.
    case _ where item.envelope.consumerTag.isEmpty: return take(item, in: index)
    case .consuming, .idle, .cancelling:
      let move = Move(destination: .queue, attempts: item.attempt - 1)
      return begin(MovingItem(item: item, move: move, ended: nil, isUnwanted: true), in: index)
        + breakOff(
          .inputOutputError,
          "an item of \(place) cannot be stored, and goes back as it was: \(reason)"
            + "\(naming: .spoolDirectory, otherwise: " (TMPDIR)")")
    default: return take(item, in: index)
    }
  }

  // MARK: Ends

  /// No item can be run: this one goes back as one that nobody ran.
  mutating func commandRefused(_ status: ExitStatus, _ reason: String, in index: Int) -> [RunnerAction] {
    guard let job = slots[index].job else { return [] }
    tally.taken -= 1
    let move = Move(destination: .queue, attempts: job.item.attempt - 1)
    let moving = MovingItem(item: job.item, move: move, ended: nil, isUnwanted: true)
    let what =
      switch status {
      case .internalError: "the system starts no worker"
      case .inputOutputError: "the worker's command or input cannot be read"
      default: "the worker's command cannot be run"
      }
    return [.cancel(.workerLimit(slot: index))] + begin(moving, in: index)
      + breakOff(status, "\(what) (\(reason)); the item of \(place) goes back as it was")
  }

  mutating func workerDidNotStart(
    _ reason: String, in index: Int
  ) -> [RunnerAction] {
    guard let job = slots[index].job else { return [] }
    let failure = Outcome.Failure(reason: .notStarted, exitStatus: .failure)
    return ended(
      job, in: index, as: .failed(failure), "the worker could not be started (\(reason))", status: nil)
  }

  mutating func workerEnded(
    _ status: ProcessStatus, _ standardError: String?, in index: Int
  ) -> [RunnerAction] {
    if slots[index].state == .abandoning {
      tally.failed += 1
      slots[index].handle(.workerEnded(isStopping: isStopping))
      return [.cancel(.grace(slot: index)), .cancel(.workerLimit(slot: index)), .releaseBody(slot: index)]
    }
    guard let job = slots[index].job else { return [] }
    let (outcome, what) = judge(job, status)
    return ended(job, in: index, as: outcome, what, status: status, standardError)
  }

  private func judge(_ job: Job, _ status: ProcessStatus) -> (Outcome, what: LogMessage) {
    if job.hasTimedOut {
      let limit = options.timeout?.text ?? ""
      return (
        .failed(.init(reason: .timedOut, exitStatus: .timedOut)),
        "the worker ran for longer than \(limit)\(naming: .timeout)"
      )
    }
    if status == .exited(0) { return (.done, "done") }
    if let signal = job.interruption { return (.interrupted(signal), "stopped by \(signal)") }
    let exitStatus = ExitStatus(worker: status, raw: options.rawStatus)
    switch status {
    case .exited(let code):
      return (.failed(.init(reason: .failed, exitStatus: exitStatus)), "the worker exited with \(code)")
    case .killed(let signal):
      return (.failed(.init(reason: .killed, exitStatus: exitStatus)), "the worker was killed by \(signal)")
    }
  }
}
