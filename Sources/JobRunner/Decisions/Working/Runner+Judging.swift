internal import Broker
internal import Console

/// How a job came out.
extension Runner {
  /// nil if the event is not the end of a job.
  func judge(_ job: Job, endedBy event: RunnerEvent, at time: ContinuousClock.Instant) -> EndedJob? {
    WorkerEnd(event, raw: options.worker.rawStatus).map { EndedJob(job, judge(job, $0), $0, at: time) }
  }

  /// The end of a job whose item is no longer this runner's. nil if the event is not the end of a job.
  func abandoned(_ job: Job, endedBy event: RunnerEvent) -> EndedJob? {
    WorkerEnd(event, raw: options.worker.rawStatus).map { EndedJob(job, (.abandoned, $0.what), $0, at: now) }
  }

  private func judge(_ job: Job, _ end: WorkerEnd) -> Judgement {
    let judgement = judgeWorker(job, end)
    return job.outputLoss.map { judged(job, judgement, end.name, outputLoss: $0) } ?? judgement
  }

  /// The same, whatever became of the worker's output.
  private func judgeWorker(_ job: Job, _ end: WorkerEnd) -> Judgement {
    let mayHaveBeenStopped = end.wasStarted && (end.failure != nil || job.hasTimedOut)
    if mayHaveBeenStopped, let judgement = judgeStopped(job, end.name) { return judgement }
    return end.failure.map { (.failed($0), end.what) } ?? (.done, "done")
  }

  /// nil if the runner did not tell the worker to end.
  func judgeStopped(_ job: Job, _ worker: String) -> Judgement? {
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
