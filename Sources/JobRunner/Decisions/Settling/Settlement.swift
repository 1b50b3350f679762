internal import Console

/// How an item was settled, as the log says it.
enum Settlement: Hashable, Sendable {
  case acked
  case requeued
  case requeuedAsCopy
  case requeuedByBroker(why: String)
  case retried(after: Duration)
  case deadLettered(into: String)
  /// The broker dead-letters the item.
  case rejected
  /// The broker drops the item, unless a policy that cannot be seen gives the queue a dead-letter exchange.
  case dropped
  /// Nobody can tell what became of the item.
  case unsettled(why: String)

  /// The value of the log's `settlement` field.
  var name: String {
    switch self {
    case .acked: "acked"
    case .requeued, .requeuedAsCopy, .requeuedByBroker: "given-back"
    case .retried: "retried"
    case .deadLettered: "dead-lettered"
    case .rejected, .dropped: "rejected"
    case .unsettled: "not-settled"
    }
  }

  /// The settlement in words.
  var text: String {
    switch self {
    case .acked: "acked"
    case .requeued: "given back"
    case .requeuedAsCopy: "given back as a copy"
    case .requeuedByBroker(let why): "given back by the broker (\(why))"
    case .retried(let delay): "comes back in \(delay.text)"
    case .deadLettered(let queue): "dead-lettered into \(queue)"
    case .rejected: "rejected, for the queue's dead-letter exchange"
    case .dropped: "rejected, and dropped unless a policy gives the queue a dead-letter exchange"
    case .unsettled(let why): "not settled (\(why))"
    }
  }
}
