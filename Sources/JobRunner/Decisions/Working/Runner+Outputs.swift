internal import Broker
internal import Console

/// Outputs of workers that cannot be written: an item is done only if its output is where the user wants it.
extension Runner {
  /// The next item would fare no better, so no more are taken. The worker runs to its end.
  mutating func outputLost(_ loss: String, in worker: Int) -> [RunnerAction] {
    let members = members(of: worker)
    for index in members { slots[index].loseOutput(loss) }
    guard !members.isEmpty, !isStopping else { return [] }
    // The line about the item says why.
    _ = stop.breakOff(.inputOutputError)
    return stopTaking()
  }

  /// What becomes of a judgement because the output was lost.
  func judged(
    _ job: Job, _ judgement: Judgement, _ worker: String, outputLoss: String
  ) -> Judgement {
    let loss: LogMessage = "its output could not be written to \(outputLoss)"
    guard judgement.outcome == .done else { return (judgement.outcome, judgement.what + ", and " + loss) }
    if let (outcome, what) = judgeStopped(job, worker) { return (outcome, what + ", and " + loss) }
    let failure = Outcome.Failure(reason: .outputLost, exitStatus: .inputOutputError)
    return (.failed(failure), "\(worker) exited with 0, but \(loss)")
  }
}
