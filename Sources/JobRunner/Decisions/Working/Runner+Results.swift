internal import Broker

/// Results: what a worker writes is published before its item is settled, so that no item is done without its result. An item that
/// is not tried again has a result, too, whether or not a worker had it, so that nobody waits for it in vain.
extension Runner {
  /// The result to publish before `end`, with which a job ends. nil if there is none: what failed and is tried again has no result
  /// yet.
  func result(before end: RunnerEvent, host: String, endedAt: ContinuousClock.Instant) -> JobResult? {
    guard let results = options.results, let index = end.slot, case .working(let job) = slots[index].state,
      let ended = judge(job, endedBy: end, at: endedAt)
    else { return nil }
    let decision = policy.decision(of: ended)
    switch ended.outcome {
    case .done where results.occasion != .failure:
      return JobResult(of: ended, nil, attempts: ended.item.attempt, host: host, to: results.target)
    case .failed(let failure) where results.occasion != .success:
      guard let cause = decision.lastCause(of: failure, ended) else { return nil }
      return JobResult(of: ended, cause, attempts: ended.item.attempt, host: host, to: results.target)
    case .done, .failed, .interrupted, .abandoned: return nil
    }
  }

  mutating func resultBegun(in index: Int) -> [RunnerAction] {
    slots[index].workerEnded(at: now)
    return []
  }

  mutating func resultPublished(_ size: UInt64, in index: Int) -> [RunnerAction] {
    slots[index].resultPublished(size)
    return []
  }

  /// The result of the item that is being dead-lettered although this runner gave it to no worker. It is published once the copy is
  /// there. nil for any other item.
  func resultOfUnrun(in index: Int, host: String) -> JobResult? {
    guard let results = options.results, results.occasion != .success, case .copying(let moving) = slots[index].state,
      moving.isUnserved, let ended = moving.ended, let cause = moving.move.destination.lastCause
    else { return nil }
    let result = JobResult(of: ended, cause, attempts: moving.move.attempts, host: host, to: results.target)
    return result?.refusal == nil ? result : nil
  }
}

extension AttemptPolicy.Decision {
  /// Why the item is not tried again. nil if it is, or if it is done.
  fileprivate func lastCause(of failure: Outcome.Failure, _ ended: EndedJob) -> DeadLetterCause? {
    switch self {
    case .acknowledge, .requeue: nil
    case .reject: DeadLetterCause(reason: failure.reason, status: ended.status, step: ended.step)
    case .move(let move): move.destination.lastCause
    }
  }
}

extension Move.Destination {
  /// Why the item is not tried again; nil if it is.
  fileprivate var lastCause: DeadLetterCause? {
    switch self {
    case .deadLetter(let cause), .deadLetterExchange(_, let cause): cause
    case .queue, .retry: nil
    }
  }
}
