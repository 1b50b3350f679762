package import Broker
package import Console

/// A queue that dead-letters into its own dead-letter queue, as `amqp-job declare` makes it, and has no retry queue. It is served, but
/// not as its owner may expect. Another program may have made such a queue on purpose.
package struct MissingRetryQueue: Hashable, Sendable {
  package let line: LogMessage

  package init(of queue: WorkQueue, place: String) {
    line =
      "\(place) has no queue '\(queue.retryName)' beside it, so failed items are not delayed, and come back without end unless attempts "
      + "are asked for: if 'amqp-job declare' made it, \(Self.cure(of: queue))"
  }

  /// How the missing queues of growing delays are made.
  static func cure(of queue: WorkQueue, _ backoff: RetryBackoff?) -> String {
    "'\(backoff.declaration(of: queue))' makes what is missing"
  }

  /// How the missing queue is made again.
  static func cure(of queue: WorkQueue) -> String {
    "'amqp-job declare \(queue.name.shellWord)', with the same options as before, makes the missing queue again"
  }
}

extension RetryBackoff? {
  /// The command that declares the queue with the retry queues that it needs.
  package func declaration(of queue: WorkQueue) -> String {
    let options = map { backoff in
      " --retry-delay \(backoff.first.text) --retry-backoff \(backoff.factor.text) --retry-max \(backoff.max.text)"
    }
    return "amqp-job declare \(queue.name.shellWord)\(options ?? "")"
  }
}
