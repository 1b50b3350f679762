import Broker
import Console

/// A queue whose retry or dead-letter queue has gone. Nothing that AMQP shows tells why, nor whether it may happen: a policy
/// of the broker's with `expires` deletes what nobody uses, and nobody ever consumes from these two.
struct LostCompanion {
  private static let cause =
    "somebody deleted it, or a policy of the broker's with 'expires' did, and what was in it is gone"

  let warning: LogEntry

  /// `name` had to be made anew, for `queue`, which was there.
  init(remade name: String, of queue: String, at broker: String) {
    warning = LogEntry(
      .warning, "queue '\(name)' was missing beside queue '\(queue)' at \(broker), and is made anew: \(Self.cause)")
  }

  /// nil unless one of the two is there, and the other is not.
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
