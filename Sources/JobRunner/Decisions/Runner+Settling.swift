internal import AMQP
internal import Linux

/// What became of an item.
enum Outcome: Hashable {
  case done
  case failed(ExitStatus)
  /// The worker did not finish because we were told to end: no attempt of its own.
  case interrupted(Signal)
}

/// The last word to the broker, and what it means once the broker has taken it.
struct Settlement: Hashable, Sendable {
  var status: ExitStatus
  /// Whether success hangs on the broker's confirmation.
  var isAck: Bool
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
    let settlement = method(settling: job, as: outcome)
    let log = [
      RunnerAction.cancel(.grace), .cancel(.workerLimit),
      .log(entry(for: job, as: outcome, what, status: status, now: now)),
    ]
    let isLast = takenCount >= options.count || job.interruption != nil
    guard isLast else {
      // Only after an item that came in a look is there no consumer.
      let attach = isConsumerAttached ? [] : [attachConsumer()]
      return log + [.send([settlement] + attach)] + awaitItem(now: now)
    }
    let summary: [RunnerAction] =
      options.count > 1 && failedCount > 0
      ? [.log(LogEntry(.error, "\(failedCount) of \(takenCount) items of \(place) were not done, and given back"))] : []
    // The consumer is cancelled before the broker can see room for another item.
    let detach = isConsumerAttached ? [detachConsumer()] : []
    return log + summary
      + settle(
        detach + [settlement],
        as: Settlement(status: exitStatus(after: job, outcome), isAck: outcome == .done))
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
    return [.closeConnection, .finish(settlement.status)]
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

  mutating func settlementLimitReached() -> [RunnerAction] {
    switch phase {
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

  private func entry(
    for job: Job, as outcome: Outcome, _ what: String, status: ProcessStatus?,
    now: ContinuousClock.Instant
  ) -> LogEntry {
    let name = job.item.id.map { "item \($0)" } ?? "an item"
    let settlement = outcome == .done ? "acked" : "given back"
    let seconds = job.startedAt.duration(to: now)
    let level: LogEntry.Level =
      switch outcome {
      case .done: .info
      case .failed, .interrupted: options.count == 1 ? .error : .warning
      }
    var entry = LogEntry(
      level, "\(name) of \(place), attempt \(job.item.attempt), \(seconds.text): \(what); \(settlement)",
      [
        "queue": .text(options.queue), "attempt": .integer(job.item.attempt),
        "seconds": .seconds(seconds),
        "settlement": .text(outcome == .done ? "acked" : "given-back"),
      ])
    if let id = job.item.id { entry.fields.append(.init(name: "id", value: .text(id))) }
    if let status {
      entry.fields.append(.init(name: "status", value: .integer(Int(status.shellCode))))
    }
    return entry
  }
}
