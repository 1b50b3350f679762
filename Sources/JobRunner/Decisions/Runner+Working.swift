internal import AMQP
internal import Linux

/// One item in the hands of a worker.
struct Job: Hashable, Sendable {
  let item: WorkItem
  let startedAt: ContinuousClock.Instant
  /// The signal by which we were told to end while the worker ran.
  var interruption: Signal?
  var interruptedAt: ContinuousClock.Instant?
  var hasTimedOut = false

  var deliveryTag: UInt64 { item.delivery.envelope.deliveryTag }
}

extension Runner {
  mutating func take(_ delivery: Delivery, now: ContinuousClock.Instant) -> [RunnerAction] {
    switch phase {
    case .consuming where job == nil, .looking: break
    case .consuming, .copying, .withdrawing:
      // It came before the broker saw our cancel, or unasked. Nobody ran it, so it goes back the way that counts least.
      let tag = delivery.envelope.deliveryTag
      return [.send([.basicNack(deliveryTag: tag, multiple: false, requeue: true)])]
    default: return []
    }
    phase = .consuming
    drain.interrupt()
    // With a prefetch of one, this item's coming shows that the ack of the last one was taken.
    isAckUnconfirmed = false
    idleSince = nil
    takenCount += 1
    var item = WorkItem(delivery: delivery, queue: options.queue)
    let start = RunnerAction.startWorker(item)
    // Only the worker's input needs the body, and only until it has been read.
    if !item.goesBackAsCopy { item.delivery.body = [] }
    job = Job(item: item, startedAt: now)
    let limit = options.timeout.map { [RunnerAction.set(.workerLimit, after: $0)] } ?? []
    return [.cancel(.idle), .cancel(.look), start] + limit
  }

  /// A signal, for us and for the worker.
  mutating func received(_ signal: Signal, now: ContinuousClock.Instant) -> [RunnerAction] {
    let ends = [Signal.terminate, .interrupt, .hangup].contains(signal)
    switch phase {
    case .consuming where job != nil:
      return ends ? interrupt(by: signal, now: now) : [.signalWorker(signal)]
    case .abandoning:
      return [.signalWorker(signal)]
    case .new, .connecting, .inspecting, .awaitingQueue, .looking, .consuming:
      return ends || signal == .quit ? withdraw(by: signal) : []
    case .copying(var ended):
      // No other item, then.
      if ends, ended.job.interruption == nil { ended.job.interruption = signal }
      phase = .copying(ended)
      return []
    case .withdrawing, .settling, .closing, .finished:
      return []
    }
  }

  /// Told to end, with nothing in hand.
  private mutating func withdraw(by signal: Signal) -> [RunnerAction] {
    let status = ExitStatus.signal(signal)
    let doing = phase == .connecting || phase == .new ? "connecting" : "waiting"
    let line = "stopped by \(signal) while \(doing), with no item in hand"
    switch phase {
    case .new, .connecting: return finish(status, line)
    case .consuming,
      .looking where isConsumerAttached:
      phase = .withdrawing(status)
      return [
        .log(LogEntry(.error, line)), .send([detachConsumer()]),
        .set(.settlementLimit, after: Self.closeLimit),
      ]
    default: return closeAndFinish(status, line)
    }
  }

  /// The broker has cancelled our consumer: nothing comes any more, and what came has been given back.
  mutating func withdrawn() -> [RunnerAction] {
    guard case .withdrawing(let status) = phase else { return [] }
    return closeAndFinish(status)
  }

  /// Told to end, with a worker at work: it is told too, and has `--grace` to end. Told again a
  /// second or more later, we do not wait: who sends a signal both to us and to our group means it
  /// once.
  private mutating func interrupt(
    by signal: Signal, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    if let first = job?.interruptedAt {
      return [.signalWorker(now >= first + .seconds(1) ? .kill : signal)]
    }
    job?.interruption = signal
    job?.interruptedAt = now
    return [.signalWorker(signal), .set(.grace, after: options.grace)]
  }

  mutating func workerLimitReached() -> [RunnerAction] {
    // One that was told to end already has its grace.
    guard job != nil, job?.interruption == nil, phase == .consuming else { return [] }
    job?.hasTimedOut = true
    return [.signalWorker(.terminate), .set(.grace, after: options.grace)]
  }

  mutating func graceEnded() -> [RunnerAction] {
    job == nil ? [] : [.signalWorker(.kill)]
  }

  /// The item is not ours any more: the worker is stopped, and nothing that it still does can count.
  mutating func abandon(_ status: ExitStatus, _ line: String) -> [RunnerAction] {
    phase = .abandoning(status)
    return [
      .log(LogEntry(.error, line)), .signalWorker(.terminate), .set(.grace, after: options.grace),
    ]
  }

  mutating func workerDidNotStart(_ reason: String, now: ContinuousClock.Instant) -> [RunnerAction] {
    guard let job else { return [] }
    return ended(
      job, as: .failed(.failure), "the worker could not be started (\(reason))", status: nil, now: now)
  }

  mutating func workerEnded(
    _ status: ProcessStatus, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    guard let job else { return [] }
    if case .abandoning(let exitStatus) = phase {
      self.job = nil
      return [.cancel(.grace), .cancel(.workerLimit)] + closeAndFinish(exitStatus)
    }
    if job.hasTimedOut {
      let limit = options.timeout?.text ?? ""
      return ended(
        job, as: .failed(.timedOut), "the worker ran for longer than \(limit) (--timeout)",
        status: status, now: now)
    }
    if status == .exited(0) {
      return ended(job, as: .done, "done", status: status, now: now)
    }
    if let signal = job.interruption {
      return ended(
        job, as: .interrupted(signal), "stopped by \(signal)", status: status, now: now)
    }
    let what =
      switch status {
      case .exited(let code): "the worker exited with \(code)"
      case .killed(let signal): "the worker was killed by \(signal)"
      }
    return ended(
      job, as: .failed(ExitStatus(worker: status, raw: options.rawStatus)), what, status: status,
      now: now)
  }
}
