internal import AMQP
package import Broker

/// How an item that is not done leaves its queue: a copy is published and confirmed, and then the item is acked.
package struct Move: Hashable, Sendable {
  package enum Destination: Hashable, Sendable {
    /// The queue that the item came from.
    case queue
    /// The retry queue of this level, which returns the item after a delay.
    case retry(after: Duration, DeadLetterCause, level: Int = 1)
    case deadLetter(DeadLetterCause)
    /// The dead-letter exchange that the queue's owner chose. A rejected item would be lost if that exchange led nowhere, so a copy
    /// is published.
    case deadLetterExchange(DeadLetterTarget, DeadLetterCause)
  }

  package var destination: Destination
  /// How many attempts the item has had.
  package var attempts: Int
  /// There may have been more attempts, which nobody counted.
  package var areAttemptsMinimum = false

  package init(destination: Destination, attempts: Int) {
    self.destination = destination
    self.attempts = attempts
  }
}

extension Move {
  /// Halves the part of the worker's standard error that the copy carries, and keeps its end. Returns false if there is none.
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
    case .retry(_, _, let level): return .queue(queue.retryName(level: level))
    case .deadLetter: return .queue(queue.deadName)
    case .deadLetterExchange(let target, _):
      return Destination(
        exchange: target.exchange, routingKey: target.routingKey ?? item.firstPublish.routingKey.description)
    }
  }
}

/// An item of which a copy is being published.
struct MovingItem: Hashable, Sendable {
  let item: WorkItem
  let move: Move
  /// The job that failed; nil for an item that nobody ran and that will be tried again.
  let ended: EndedJob?
  /// The item came after the runner had stopped wanting one.
  var isUnwanted = false
  /// The item had no attempt left when it came, so nobody ran it.
  var isExhausted = false
  /// The copy is published only when the channel has answered. An item that is lost at once is not copied, however often it comes.
  var isAsking = false

  var isUnrun: Bool { ended == nil || isExhausted }

  /// No worker of this runner had the item, and none will.
  var isUnserved: Bool { isExhausted || ended?.isSetAside == true }
}
