internal import AMQP
package import Broker

/// A way for an item out of its queue, other than being done: a confirmed copy, and then the ack.
package struct Move: Hashable, Sendable {
  package enum Destination: Hashable, Sendable {
    /// The queue that it came from.
    case queue
    /// The retry queue, which gives it back after a while.
    case retry(after: Duration, DeadLetterCause)
    case deadLetter(DeadLetterCause)
    /// The dead-letter exchange of the queue's owner. By a copy, for what is rejected is lost where that exchange leads nowhere.
    case deadLetterExchange(DeadLetterTarget, DeadLetterCause)
  }

  package var destination: Destination
  /// The attempts that the item has behind it.
  package var attempts: Int

  package init(destination: Destination, attempts: Int) {
    self.destination = destination
    self.attempts = attempts
  }
}

extension Move {
  /// Has half as much of the worker's standard error go along, its end; false where there is none.
  mutating func shortenStandardError() -> Bool {
    switch destination {
    case .deadLetter(var cause):
      guard cause.shortenStandardError() else { return false }
      destination = .deadLetter(cause)
    case .deadLetterExchange(let target, var cause):
      guard cause.shortenStandardError() else { return false }
      destination = .deadLetterExchange(target, cause)
    case .queue, .retry: return false
    }
    return true
  }
}

extension DeadLetterCause {
  fileprivate mutating func shortenStandardError() -> Bool {
    guard let text = standardError else { return false }
    let half = text.end(ofBytes: text.utf8.count / 2)
    standardError = half.isEmpty ? nil : half
    return true
  }
}

extension Move.Destination {
  func destination(of item: WorkItem) -> Destination {
    let queue = WorkQueue(item.queue)
    switch self {
    case .queue: return .queue(queue.name)
    case .retry: return .queue(queue.retryName)
    case .deadLetter: return .queue(queue.deadName)
    case .deadLetterExchange(let target, _):
      return Destination(
        exchange: target.exchange, routingKey: target.routingKey ?? item.firstPublish.routingKey.description)
    }
  }
}

/// An item on its way.
struct MovingItem: Hashable, Sendable {
  let item: WorkItem
  let move: Move
  /// The job that it failed; nil for an item that nobody ran, and which is not over.
  let ended: EndedJob?
  /// It is with us only because it came when we had ceased to want it.
  var isUnwanted = false
  /// No attempt was left when it came, so that nobody ran it.
  var isExhausted = false
  /// The copy is published when the channel has answered: an item that is lost at once has no copy, however often it comes.
  var isAsking = false

  var isUnrun: Bool { ended == nil || isExhausted }
}
