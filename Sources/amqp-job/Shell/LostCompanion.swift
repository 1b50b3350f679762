import Broker
import Console

/// The warning that a queue's retry or dead-letter queue has disappeared. AMQP does not show why. One possible cause is a policy
/// of the broker with `expires`: it deletes unused queues, and these two never have a consumer.
struct LostCompanion {
  private static let cause =
    "somebody deleted it, or a policy of the broker's with 'expires' did, and what was in it is gone"

  let warning: LogEntry

  /// The companion queue `name` was declared again for `queue`, which existed.
  init(remade name: String, of queue: String, at broker: String) {
    warning = LogEntry(
      .warning, "queue '\(name)' was missing beside queue '\(queue)' at \(broker), and is made anew: \(Self.cause)")
  }

  /// nil unless exactly one of the two companion queues exists.
  init?(_ figures: QueueFigures, at broker: String) {
    guard (figures.retry == nil) != (figures.dead == nil) else { return nil }
    let queue = WorkQueue(figures.name)
    let (missing, other) =
      figures.retry == nil ? (queue.retryName, queue.deadName) : (queue.deadName, queue.retryName)
    warning = LogEntry(
      .warning,
      "queue '\(missing)' is not to be seen beside queue '\(other)' at \(broker): unless there is no permission to look, "
        + "\(Self.cause); 'amqp-job declare \(figures.name)' makes it anew")
  }
}
