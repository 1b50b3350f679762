internal import Broker
internal import Console
internal import Linux

/// Results: what a worker writes is published before its item is settled, so that no item is done without its result.
extension Runner {
  /// The result to publish now that a worker has ended so. nil if there is none: what failed and is tried again has no result
  /// yet.
  func result(
    _ status: ProcessStatus, in index: Int, host: String, endedAt: ContinuousClock.Instant
  ) -> JobResult? {
    guard let results = options.results, case .working(let job) = slots[index].state else { return nil }
    let (outcome, what) = judge(job, status, "the worker")
    let ended = EndedJob(job, as: outcome, what, status: status, now: endedAt)
    switch outcome {
    case .done where results.occasion != .failure: break
    case .failed where results.occasion != .success && policy.decision(of: ended).isFinal: break
    case .done, .failed, .interrupted, .abandoned: return nil
    }
    return JobResult(of: ended, to: results.target, host: host)
  }

  mutating func resultBegun(in index: Int) -> [RunnerAction] {
    slots[index].workerEnded(at: now)
    return []
  }

  mutating func resultPublished(_ size: UInt64, in index: Int) -> [RunnerAction] {
    slots[index].resultPublished(size)
    return []
  }

  /// The worker is done, but nobody has its result.
  mutating func resultRefused(_ reason: String, in index: Int) -> [RunnerAction] {
    let line: LogMessage = "the worker exited with 0, but its result could not be published: \(reason)"
    if let actions = abandonedEnded(line, .exited(0), in: index) { return actions }
    guard let job = slots[index].job else { return [] }
    let failure: (Outcome, LogMessage) = (
      .failed(Outcome.Failure(reason: .resultRefused, exitStatus: .failure)),
      line
    )
    let (outcome, what) = judgeStopped(job, "the worker") ?? failure
    return ended(job, in: index, as: outcome, what, status: .exited(0))
  }
}

extension AttemptPolicy.Decision {
  /// The item is not tried again.
  fileprivate var isFinal: Bool {
    switch self {
    case .acknowledge, .reject: true
    case .requeue: false
    case .move(let move):
      switch move.destination {
      case .deadLetter, .deadLetterExchange: true
      case .queue, .retry: false
      }
    }
  }
}
