internal import AMQP
internal import Broker
internal import Linux

/// What became of an item.
enum Outcome: Hashable, Sendable {
  case done
  case failed(ExitStatus)
  /// The worker did not finish because we were told to end: no attempt of its own.
  case interrupted(Signal)
}

/// A job that is over, and how.
struct EndedJob: Hashable, Sendable {
  var job: Job
  let outcome: Outcome
  /// The outcome for people.
  let what: String
  /// How the worker ended; nil for one that was never started.
  let status: ProcessStatus?
  let duration: Duration

  /// Whether the attempt counts as one of the item's.
  var isAttempt: Bool {
    if case .interrupted = outcome { false } else { true }
  }
}

/// The last word to the broker, and what it means once the broker has taken it.
struct Settlement: Hashable, Sendable {
  var status: ExitStatus
  /// Whether success hangs on the broker's confirmation.
  var isAck: Bool
  /// What may be said once it is confirmed.
  var confirms: [RunnerAction] = []
}

/// Telling the broker what became of an item, and making sure that it knows.
extension Runner {
  /// How long the broker may take over the last settlement.
  static let settlementLimit: Duration = .seconds(5)

  mutating func ended(
    _ job: Job, as outcome: Outcome, _ what: String, status: ProcessStatus?,
    now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    self.job = nil
    if outcome != .done { failedCount += 1 }
    let ended = EndedJob(
      job: job, outcome: outcome, what: what, status: status, duration: job.startedAt.duration(to: now))
    let cancels: [RunnerAction] = [.cancel(.grace), .cancel(.workerLimit)]
    guard outcome != .done, job.item.goesBackAsCopy else {
      let settlement = outcome == .done ? "acked" : "given back"
      return cancels + conclude(ended, by: method(settling: job, as: outcome), settlement, now: now)
    }
    phase = .copying(ended)
    return cancels + [
      .publishCopy(job.item.copy(counts: ended.isAttempt), broker),
      .set(.settlementLimit, after: Self.settlementLimit),
    ]
  }

  /// The copy is in the queue, and only now the item leaves it; or there is none, and the item itself goes back.
  mutating func copyPublished(
    _ outcome: ConfirmedPublish.Outcome, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    guard case .copying(let ended) = phase else { return [] }
    phase = .consuming
    switch outcome {
    case .confirmed:
      let ack = Method.basicAck(deliveryTag: ended.job.deliveryTag, multiple: false)
      return conclude(ended, by: ack, "given back as a copy", now: now)
    case .failed(let reason):
      let method = method(settling: ended.job, as: ended.outcome)
      return [.log(LogEntry(.warning, "no copy of the item could be put into \(place): \(reason)"))]
        + conclude(ended, by: method, "given back", now: now)
    }
  }

  /// The item went back by itself while its copy was on its way; there may be both now.
  mutating func copyAbandoned(_ ended: EndedJob, _ status: ExitStatus, why: String) -> [RunnerAction] {
    let own = exitStatus(after: ended.job, ended.outcome)
    return [.dropCopy, .log(entry(for: ended, "given back by the broker (\(why))"))]
      + closeAndFinish(options.count == 1 ? own : status)
  }

  /// An ack that was not the last may not have been taken.
  mutating func ackRefused(why: String) -> [RunnerAction] {
    closeAndFinish(
      .itemTakenBack, "the broker may not have taken the last ack in \(place), the item will be run again: \(why)")
  }

  private mutating func conclude(
    _ ended: EndedJob, by method: Method, _ settlement: String, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    let job = ended.job
    let log = [RunnerAction.log(entry(for: ended, settlement))]
    let isLast = takenCount >= options.count || job.interruption != nil
    guard isLast else {
      // Only after an item that came in a look is there no consumer.
      let attach = isConsumerAttached ? [] : [attachConsumer()]
      isAckUnconfirmed = ended.outcome == .done
      return log + [.cancel(.settlementLimit), .send([method] + attach)] + awaitItem(now: now)
    }
    let summary: [RunnerAction] =
      options.count > 1 && failedCount > 0
      ? [.log(LogEntry(.error, "\(failedCount) of \(takenCount) items of \(place) were not done, and given back"))] : []
    // The consumer is cancelled before the broker can see room for another item.
    let detach = isConsumerAttached ? [detachConsumer()] : []
    let isAck = ended.outcome == .done
    return (isAck ? [] : log) + summary
      + settle(
        detach + [method],
        as: Settlement(
          status: exitStatus(after: job, ended.outcome), isAck: isAck, confirms: isAck ? log : []))
  }

  private func method(settling job: Job, as outcome: Outcome) -> Method {
    switch outcome {
    case .done: .basicAck(deliveryTag: job.deliveryTag, multiple: false)
    // Both put the item back. From RabbitMQ 4.3 on only a reject counts as a delivery that failed.
    case .failed: .basicReject(deliveryTag: job.deliveryTag, requeue: true)
    case .interrupted: .basicNack(deliveryTag: job.deliveryTag, multiple: false, requeue: true)
    }
  }

  private func exitStatus(after job: Job, _ outcome: Outcome) -> ExitStatus {
    let isComplete = takenCount >= options.count
    switch outcome {
    case .interrupted(let signal): return .signal(signal)
    case .failed(let status) where options.count == 1: return status
    case .done, .failed:
      if let signal = job.interruption, !isComplete || failedCount > 0 { return .signal(signal) }
      return result
    }
  }

  /// Sends the last methods and closes the channel behind them, in one write: its clean end shows
  /// that the broker took them.
  mutating func settle(_ methods: [Method], as settlement: Settlement) -> [RunnerAction] {
    phase = .settling(settlement)
    let close = Method.channelClose(CloseReason(code: .success, text: "done"))
    return [
      .endOfWork, .send(methods + [close]), .set(.settlementLimit, after: Self.settlementLimit),
    ]
  }

  /// The channel's end was the broker's word. Of the connection's end nothing depends, so its answer is not waited for.
  mutating func settled() -> [RunnerAction] {
    guard case .settling(let settlement) = phase else { return [] }
    phase = .finished
    return settlement.confirms + [.closeConnection, .finish(settlement.status)]
  }

  /// The broker did not take it.
  mutating func settlementRefused(_ settlement: Settlement, why: String) -> [RunnerAction] {
    guard settlement.isAck else { return closeAndFinish(settlement.status) }
    return closeAndFinish(
      .itemTakenBack, "the broker refused the ack in \(place), the item will be run again: \(why)")
  }

  /// Nobody knows whether the broker took it.
  mutating func settlementLost(_ settlement: Settlement, why: String) -> [RunnerAction] {
    guard settlement.isAck else { return finish(settlement.status) }
    return finish(
      .temporaryFailure, "the item of \(place) is done, but may be run again: its ack is unconfirmed (\(why))")
  }

  mutating func settlementLimitReached(now: ContinuousClock.Instant) -> [RunnerAction] {
    switch phase {
    case .copying:
      [.dropCopy]
        + copyPublished(.failed(reason: "not confirmed in \(Self.settlementLimit.text)"), now: now)
    case .settling(let settlement):
      settlementLost(
        settlement, why: "the broker has not answered in \(Self.settlementLimit.text)")
    case .closing(let status), .withdrawing(let status): finish(status)
    default: []
    }
  }

  mutating func connectionClosed() -> [RunnerAction] {
    guard case .closing(let status) = phase else { return [] }
    return finish(status)
  }

  private func entry(for ended: EndedJob, _ settlement: String) -> LogEntry {
    let item = ended.job.item
    let name = item.id.map { "item \($0)" } ?? "an item"
    let level: LogEntry.Level =
      switch ended.outcome {
      case .done: .info
      case .failed, .interrupted: options.count == 1 ? .error : .warning
      }
    var entry = LogEntry(
      level,
      "\(name) of \(place), attempt \(item.attempt), \(ended.duration.text): \(ended.what); \(settlement)",
      [
        "queue": .text(options.queue), "attempt": .integer(item.attempt),
        "seconds": .seconds(ended.duration),
        "settlement": .text(ended.outcome == .done ? "acked" : "given-back"),
      ])
    if let id = item.id { entry.fields.append(.init(name: "id", value: .text(id))) }
    if let status = ended.status {
      entry.fields.append(.init(name: "status", value: .integer(Int(status.shellCode))))
    }
    return entry
  }
}
