internal import AMQP
internal import Broker
internal import Linux

/// What an item's attempts so far mean for it: when it comes, and when a worker has had it.
struct AttemptPolicy: Hashable, Sendable {
  let options: AttemptOptions
  /// The queue has a retry and a dead-letter queue.
  var hasRetries = false
  var runsMalformed = false

  enum Receipt: Hashable, Sendable {
    case run
    /// A crash, or several, are to be counted in the item itself before it is run: by a copy.
    case recount
    /// Its attempts are used up, by crashes.
    case deadLetter
    /// No worker can have it, for that reason: it is moved out of the way as it is.
    case setAside(Move, DeadLetter.Reason)
  }

  enum Settlement: Hashable, Sendable {
    case acknowledge
    case giveBack
    case move(Move)
  }

  func receipt(of item: WorkItem) -> Receipt {
    if let obstacle = obstacle(of: item) {
      // Of a queue without another one beside it, it goes to the tail: those behind it come first.
      let destination: Move.Destination =
        hasRetries ? .deadLetter(DeadLetterCause(reason: obstacle, status: nil)) : .queue
      return .setAside(Move(destination: destination, attempts: item.attempt - 1), obstacle)
    }
    if hasRetries, item.attempt > options.most { return .deadLetter }
    if item.nearsDeliveryLimit || hasRetries && item.hasUncountedReturn { return .recount }
    return .run
  }

  private func obstacle(of item: WorkItem) -> DeadLetter.Reason? {
    if item.isTooLarge { return .tooLarge }
    return item.properties.unread != nil && !runsMalformed ? .malformed : nil
  }

  func settlement(of ended: EndedJob) -> Settlement {
    switch ended.outcome {
    case .done: return .acknowledge
    case .interrupted:
      // By itself the broker would count it.
      return hasRetries ? .move(Move(destination: .queue, attempts: ended.item.attempt - 1)) : .giveBack
    case .failed(let failure):
      guard hasRetries else { return .giveBack }
      return .move(Move(destination: destination(after: failure, ended), attempts: ended.item.attempt))
    }
  }

  private func destination(after failure: Outcome.Failure, _ ended: EndedJob) -> Move.Destination {
    if failure.reason == .failed, case .exited(let code)? = ended.status, options.rejectedStatuses.contains(code) {
      return .deadLetter(DeadLetterCause(reason: .rejected, status: ended.status))
    }
    guard ended.item.attempt < options.most else {
      return .deadLetter(DeadLetterCause(reason: failure.reason, status: ended.status))
    }
    return .retry(after: options.retryDelay)
  }
}
