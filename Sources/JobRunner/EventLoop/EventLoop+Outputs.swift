internal import Console
internal import Linux

/// What happens to workers' outputs, and the ends of workers, which follow their outputs.
extension EventLoop {
  func handleOutputs() {
    for loss in workers.outputs.takeLosses() {
      handle(.outputLost(place: loss.place, reason: loss.reason, slot: loss.slot))
    }
    for stream in workers.outputs.takeUnread() {
      let line: LogMessage =
        "nobody reads \(stream.name) any more: what workers write there is dropped; the work goes on"
      log(LogEntry(.warning, line))
    }
    for worker in workers.takeEnded() {
      // A signal that the terminal sends to its foreground is meant for the runner, too, which is in the background.
      if worker.hadTerminal, worker.status == .killed(.interrupt) { handle(.signal(.interrupt)) }
      let end = RunnerEvent.workerEnded(worker.status, standardError: worker.standardError, slot: worker.slot)
      handle(publishingResult(worker.result, before: end))
    }
  }
}

extension EventLoop.Configuration {
  /// `publishesResults` is whether the standard output of a worker is its result.
  func workerOutputs(publishesResults: Bool) -> WorkerOutputs {
    WorkerOutputs(
      OutputPlan(form: output.form, keptErrorSize: output.keptErrorSize, publishesOutput: publishesResults), output.line
    )
  }
}
