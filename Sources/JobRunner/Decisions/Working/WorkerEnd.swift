internal import Broker
internal import Console
internal import Linux

/// How a worker ended on an item, whatever that means for the item.
struct WorkerEnd: Hashable, Sendable {
  /// The worker, as messages name it.
  var name = "the worker"
  /// The end, in words.
  let what: LogMessage
  /// nil if the worker was never started, or is lost.
  let status: ProcessStatus?
  var standardError: String?
  /// The step in which it was, if that was not the runner's own command.
  var step: String?
  /// nil if the worker is done.
  let failure: Outcome.Failure?
  /// Whether it could be started.
  var wasStarted = true

  /// The end of a worker that was not started.
  init(notStarted what: LogMessage, _ failure: Outcome.Failure) {
    (self.what, self.status, self.failure, wasStarted) = (what, nil, failure, false)
  }

  /// nil if the event is no such end. With `raw`, the worker's status is the runner's own, whatever it is.
  init?(_ event: RunnerEvent, raw: Bool) {
    switch event {
    case .workerEnded(let status, let standardError, _):
      (what, self.status, failure) = (Self.text(status, name), status, Self.failure(status, raw: raw))
      self.standardError = standardError
    case .workerDidNotStart(let reason, _):
      (what, status, wasStarted) = ("the worker could not be started (\(reason))", nil, false)
      failure = Outcome.Failure(reason: .notStarted, exitStatus: .failure)
    case .stepFailed(let stepFailure, _):
      (name, step) = ("step '\(stepFailure.step)'", stepFailure.step)
      standardError = stepFailure.standardError
      switch stepFailure.end {
      case .ended(let status):
        (what, self.status, failure) = (Self.text(status, name), status, Self.failure(status, raw: raw))
      case .lost:
        (what, status) = ("\(name) was lost", nil)
        failure = Outcome.Failure(reason: .stepLost, exitStatus: .failure)
      }
    case .resultRefused(let reason, _):
      (what, status) = ("the worker exited with 0, but its result could not be published: \(reason)", .exited(0))
      failure = Outcome.Failure(reason: .resultRefused, exitStatus: .failure)
    default: return nil
    }
  }

  private static func text(_ status: ProcessStatus, _ worker: String) -> LogMessage {
    switch status {
    case .exited(let code): "\(worker) exited with \(code)"
    case .killed(let signal): "\(worker) was killed by \(signal)"
    }
  }

  private static func failure(_ status: ProcessStatus, raw: Bool) -> Outcome.Failure? {
    let exitStatus = ExitStatus(worker: status, raw: raw)
    return switch status {
    case .exited(0): nil
    case .exited: Outcome.Failure(reason: .failed, exitStatus: exitStatus)
    case .killed: Outcome.Failure(reason: .killed, exitStatus: exitStatus)
    }
  }
}
