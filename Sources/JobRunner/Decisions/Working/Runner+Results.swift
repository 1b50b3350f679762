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
    let ended = EndedJob(
      item: job.item, outcome: outcome, what: what, status: status, startedAt: job.startedAt,
      duration: job.startedAt.duration(to: endedAt))
    switch outcome {
    case .done where results.occasion != .failure: break
    case .failed where results.occasion != .success && policy.decision(of: ended).isFinal: break
    case .done, .failed, .interrupted: return nil
    }
    return JobResult(of: ended, to: results.target, host: host)
  }

  /// The worker is done, but nobody has its result.
  mutating func resultRefused(_ reason: String, in index: Int) -> [RunnerAction] {
    if let actions = abandonedEnded(in: index) { return actions }
    guard let job = slots[index].job else { return [] }
    let failure: (Outcome, LogMessage) = (
      .failed(Outcome.Failure(reason: .resultRefused, exitStatus: .failure)),
      "the worker exited with 0, but its result could not be published: \(reason)"
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
