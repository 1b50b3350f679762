internal import Console

/// What was done about an item in the end, as the log tells.
enum Disposal: Hashable, Sendable {
  case acked
  case givenBack
  case givenBackAsCopy
  case givenBackByBroker(why: String)
  case retried(after: Duration)
  case deadLettered(into: String)
  /// For the broker to dead-letter it.
  case rejected

  /// For machines.
  var name: String {
    switch self {
    case .acked: "acked"
    case .givenBack, .givenBackAsCopy, .givenBackByBroker: "given-back"
    case .retried: "retried"
    case .deadLettered: "dead-lettered"
    case .rejected: "rejected"
    }
  }

  /// For people.
  var text: String {
    switch self {
    case .acked: "acked"
    case .givenBack: "given back"
    case .givenBackAsCopy: "given back as a copy"
    case .givenBackByBroker(let why): "given back by the broker (\(why))"
    case .retried(let delay): "comes back in \(delay.text)"
    case .deadLettered(let queue): "dead-lettered into \(queue)"
    case .rejected: "rejected, for the queue's dead-letter exchange"
    }
  }
}
