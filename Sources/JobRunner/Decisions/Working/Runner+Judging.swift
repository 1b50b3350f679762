internal import Broker
internal import Console
internal import Linux

/// How a job came out.
extension Runner {
  /// nil if the event is not the end of a job.
  func judge(_ job: Job, endedBy end: RunnerEvent, at time: ContinuousClock.Instant) -> EndedJob? {
    switch end {
    case .workerEnded(let status, let standardError, _):
      return EndedJob(job, judge(job, status, "the worker"), status: status, standardError, at: time)
    case .workerDidNotStart(let reason, _):
      let failure = Outcome.Failure(reason: .notStarted, exitStatus: .failure)
      let judgement = (Outcome.failed(failure), "the worker could not be started (\(reason))" as LogMessage)
      return EndedJob(job, judgement, status: nil, at: time)
    case .stepFailed(let failure, _): return judge(job, failure, at: time)
    case .resultRefused(let reason, _):
      let failure = Outcome.Failure(reason: .resultRefused, exitStatus: .failure)
      let what: LogMessage = "the worker exited with 0, but its result could not be published: \(reason)"
      let judgement = judgeStopped(job, "the worker") ?? (.failed(failure), what)
      return EndedJob(job, judgement, status: .exited(0), at: time)
    default: return nil
    }
  }

  private func judge(_ job: Job, _ failure: StepFailure, at time: ContinuousClock.Instant) -> EndedJob {
    let name = "step '\(failure.step)'"
    let lost: Judgement = (.failed(.init(reason: .stepLost, exitStatus: .failure)), "\(name) was lost")
    let (judgement, status): (Judgement, ProcessStatus?) =
      switch failure.end {
      case .ended(let status): (judge(job, status, name), status)
      case .lost: (judgeStopped(job, name) ?? lost, nil)
      }
    return EndedJob(job, judgement, status: status, failure.standardError, step: failure.step, at: time)
  }

  /// `worker` names the worker in messages.
  private func judge(_ job: Job, _ status: ProcessStatus, _ worker: String) -> Judgement {
    if let judgement = judgeStopped(job, worker), job.hasTimedOut || status != .exited(0) { return judgement }
    if status == .exited(0) { return (.done, "done") }
    let exitStatus = ExitStatus(worker: status, raw: options.worker.rawStatus)
    switch status {
    case .exited(let code):
      return (.failed(.init(reason: .failed, exitStatus: exitStatus)), "\(worker) exited with \(code)")
    case .killed(let signal):
      return (.failed(.init(reason: .killed, exitStatus: exitStatus)), "\(worker) was killed by \(signal)")
    }
  }

  /// nil if the runner did not tell the worker to end.
  private func judgeStopped(_ job: Job, _ worker: String) -> Judgement? {
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
