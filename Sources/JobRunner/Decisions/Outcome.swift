package import Broker
internal import Console
package import Linux

/// What became of an item's turn with a worker.
enum Outcome: Hashable, Sendable {
  case done
  case failed(Failure)
  /// The worker did not finish because we were told to end: no attempt of the item's own.
  case interrupted(Signal)

  struct Failure: Hashable, Sendable {
    let reason: DeadLetter.Reason
    /// What a runner that had this one item ends with.
    let exitStatus: ExitStatus
  }
}

/// Why an attempt failed, and an item is dead-lettered that has none left.
package struct DeadLetterCause: Hashable, Sendable {
  package var reason: DeadLetter.Reason
  /// How the last worker ended, where one was started.
  package var status: ProcessStatus?
  /// The end of what that worker wrote to its standard error, where it is kept.
  package var standardError: String?
}

/// One item in the hands of a worker.
struct Job: Hashable, Sendable {
  let item: WorkItem
  let startedAt: ContinuousClock.Instant
  /// The signal by which we were told to end while the worker ran, and was told too.
  var interruption: Signal?
  var hasTimedOut = false
}

/// A job that is over, and how.
struct EndedJob: Hashable, Sendable {
  let item: WorkItem
  let outcome: Outcome
  /// The outcome for people.
  let what: LogMessage
  /// How the worker ended; nil for one that was never started.
  let status: ProcessStatus?
  let duration: Duration
  /// The end of what the worker wrote to its standard error, where it is kept.
  var standardError: String?
}
