package import Broker
package import Console

extension JobOptions {
  /// How the runner reaches the broker.
  package struct Connection: Hashable, Sendable {
    /// The credentials are read from files, which may be replaced while the runner runs.
    package var credentialsMayChange = false
    /// How long the broker may be out of reach.
    package var connectTimeout: Duration = .seconds(60)
    /// The runner also waits for a broker that is out of reach at the start. Otherwise that is an error at once.
    package var waitsForBroker = true
  }

  /// Several items that one worker gets at once.
  package struct Batch: Hashable, Sendable {
    /// How many items a worker gets at most.
    package var size = 1
    /// How long to wait for more items after the first one has come.
    package var wait: Duration = .seconds(1)

    package init() {}
  }

  /// How workers run and end.
  package struct Worker: Hashable, Sendable {
    /// How long a worker may run on one item; nil for no limit.
    package var timeout: Duration?
    /// How long a worker that was told to end may take to do so.
    package var grace: Duration = .seconds(20)
    /// nil for what suits the extent.
    package var onTerm: JobOptions.OnTerm?
    package var onDisconnect = JobOptions.OnDisconnect.stop
    /// How long an item that was done while the broker was away may take to come back.
    package var finishWindow: Duration = .seconds(60)
    /// Every item passes steps, in other containers. Nothing is taken before all of them answer.
    package var hasSteps = false
    /// The exit statuses of workers are reported as they are, even those that the runner uses itself.
    package var rawStatus = false
    /// nil if a worker gets an item as it is.
    package var batch: Batch?
  }

  /// What the runner says, and to whom.
  package struct Report: Hashable, Sendable {
    /// Somebody watches, and is told soon what the runner waits for.
    package var isWatched = false
    /// What was done on each item is recorded.
    package var recordsJobs = false
    /// How often to tell how far the work has come; nil for never.
    package var progressPeriod: Duration?
    /// Entries below this level are not logged.
    package var leastLogged = LogEntry.Level.info
  }
}

/// How often an item is tried on a queue with a retry and a dead-letter queue, and what happens to a failed item on other queues.
package struct AttemptOptions: Hashable, Sendable {
  /// What happens to a failed item of a queue without retries.
  package enum OnFailure: String, Hashable, Sendable, CaseIterable {
    /// The item is requeued.
    case requeue
    /// The item is rejected. The broker dead-letters it, or drops it if the queue has no dead-letter exchange.
    case reject
  }

  /// How many attempts an item has.
  package var maxAttempts = 3
  /// How long a failed item stays in the retry queue, if the delay does not grow.
  package var retryDelay: Duration = .seconds(10)
  /// How the delay grows with the attempts. nil if it does not.
  package var backoff: RetryBackoff?
  /// By which share of it a growing delay is lengthened or shortened at random, at most.
  package var retryJitter = 0.1
  /// The exit codes of a worker after which an item is not tried again.
  package var rejectedStatuses: Set<Int32> = []
  /// The user asked for attempts, so the runner refuses a queue without a place for dead letters.
  package var areRequired = false
  /// How old an item may be when it comes; nil for any age. An older one is dead-lettered, so the runner refuses a queue without a
  /// place for dead letters.
  package var maxAge: Duration?
  /// The user asked for a delay, which needs a retry queue.
  package var needRetryQueue = false
  /// What the user asked for. If it is present, the runner refuses a queue with retries.
  package var onFailure: OnFailure?
  /// A dead letter holds the end of its worker's standard error, so the runner refuses a queue without dead letters.
  package var keepsStandardError = false

  /// A worker also gets an item whose properties cannot be read. The body is all that it gets then.
  package var runsMalformed = false

  package init() {}

  /// How many retry queues the queue needs.
  package var retryLevels: Int { backoff?.levelCount ?? 1 }

  /// The runner itself dead-letters items.
  package var needDeadLetters: Bool { areRequired || maxAge != nil }

  /// Items go to a dead-letter exchange of the queue's owner, if the queue has one. That one has to exist then.
  package var needTarget: Bool { needDeadLetters || onFailure == .reject }
}
