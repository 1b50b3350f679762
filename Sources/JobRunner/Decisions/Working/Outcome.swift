package import Broker
internal import Console
package import Linux

/// How an attempt at an item came out.
enum Outcome: Hashable, Sendable {
  case done
  case failed(Failure)
  /// The worker did not finish because the runner was told to end. That does not count as an attempt.
  case interrupted(Signal)
  /// The item was no longer this runner's when its worker ended, whatever the worker did.
  case abandoned

  struct Failure: Hashable, Sendable {
    let reason: DeadLetter.Reason
    /// The exit status of a runner that had only this item.
    let exitStatus: ExitStatus
  }
}

/// Why an attempt failed, which is also why an item without attempts left is dead-lettered.
package struct DeadLetterCause: Hashable, Sendable {
  package var reason: DeadLetter.Reason
  /// How the last worker ended, if one was started.
  package var status: ProcessStatus?
  /// The end of what that worker wrote to its standard error, if that is kept.
  package var standardError: String?
  /// The step that failed, if that was not the runner's own command.
  package var step: String?
}

/// One item with the worker that runs on it.
struct Job: Hashable, Sendable {
  var item: WorkItem
  let startedAt: ContinuousClock.Instant
  /// The signal that told the runner to end while the worker ran, and that the worker got, too.
  var interruption: Signal?
  var hasTimedOut = false
  /// Where what the worker wrote could not be written, and why.
  var outputLoss: String?
  /// When the worker ended. nil while it runs. What follows, such as the publishing of its result, is not its time.
  var endedAt: ContinuousClock.Instant?
  /// The size in bytes of the result that is in a queue.
  var resultSize: UInt64 = 0
}

/// A job that is over.
struct EndedJob: Hashable, Sendable {
  var item: WorkItem
  let outcome: Outcome
  /// The outcome in words.
  let what: LogMessage
  /// How the worker ended; nil if it was never started.
  let status: ProcessStatus?
  let startedAt: ContinuousClock.Instant
  let duration: Duration
  /// The end of what the worker wrote to its standard error, if that is kept.
  var standardError: String?
  /// The step in which the job ended, if that was not the runner's own command.
  var step: String?
  /// The size in bytes of the result that was published.
  var resultSize: UInt64 = 0
}

extension EndedJob {
  /// The end of `job` at this time, if its worker has not ended before.
  init(_ job: Job, _ judgement: Judgement, _ end: WorkerEnd, at time: ContinuousClock.Instant) {
    self.init(
      item: job.item, outcome: judgement.outcome, what: judgement.what, status: end.status, startedAt: job.startedAt,
      duration: job.startedAt.duration(to: job.endedAt ?? time), standardError: end.standardError, step: end.step,
      resultSize: job.resultSize)
  }

  /// The item can be given to no worker, at no attempt.
  var isSetAside: Bool {
    guard case .failed(let failure) = outcome else { return false }
    return [.tooLarge, .malformed, .expired].contains(failure.reason)
  }
}

/// An outcome, and the same in words.
typealias Judgement = (outcome: Outcome, what: LogMessage)
