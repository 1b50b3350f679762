internal import AMQP
internal import Broker
internal import Linux

/// What an item's attempts so far mean for it: when it comes, and when a worker has had it.
struct AttemptPolicy: Hashable, Sendable {
  let options: AttemptOptions
  var standing = QueueTopology.plain(nil)

  /// The queue has a retry and a dead-letter queue.
  var hasRetries: Bool { standing == .declared }
  var runsMalformed = false

  /// How many attempts an item has is for us to say.
  private var limitsAttempts: Bool {
    switch standing {
    case .declared: true
    case .plain: false
    case .deadLettering: options.areRequired
    }
  }

  /// What was asked for can be done on such a queue.
  var isPossible: Bool {
    guard options.onFailure == nil || !hasRetries, !options.keepsStandardError || limitsAttempts else { return false }
    guard options.areRequired else { return true }
    switch standing {
    case .declared: return true
    case .plain, .deadLettering(nil): return false
    case .deadLettering: return !options.needRetryQueue
    }
  }

  enum Receipt: Hashable, Sendable {
    case run
    /// A crash, or several, are to be counted in the item itself before it is run: by a copy.
    case recount
    /// Its attempts are used up.
    case deadLetter
    /// No worker can have it, for that reason: it is moved out of the way as it is.
    case setAside(Move, DeadLetter.Reason)
  }

  enum Settlement: Hashable, Sendable {
    case acknowledge
    case giveBack
    /// The broker dead-letters it.
    case reject
    case move(Move)
  }

  func receipt(of item: WorkItem) -> Receipt {
    if let obstacle = obstacle(of: item) {
      let destination = destinationAside(DeadLetterCause(reason: obstacle))
      return .setAside(Move(destination: destination, attempts: item.attempt - 1), obstacle)
    }
    if limitsAttempts, item.attempt > options.most { return .deadLetter }
    if limitsAttempts, item.hasUncountedReturn { return .recount }
    // A limit of the broker's drops an item, silently; where a dead-letter exchange takes it, the limit is its owner's.
    if case .deadLettering = standing { return .run }
    return item.nearsDeliveryLimit ? .recount : .run
  }

  private func obstacle(of item: WorkItem) -> DeadLetter.Reason? {
    if item.isTooLarge { return .tooLarge }
    return item.properties.undecodable != nil && !runsMalformed ? .malformed : nil
  }

  func settlement(of ended: EndedJob) -> Settlement {
    switch ended.outcome {
    case .done: return .acknowledge
    case .interrupted:
      // By itself the broker would count it.
      return hasRetries ? .move(Move(destination: .queue, attempts: ended.item.attempt - 1)) : .giveBack
    case .failed where options.onFailure == .reject: return .reject
    case .failed(let failure):
      guard limitsAttempts, let destination = destination(after: failure, ended) else { return .giveBack }
      return .move(Move(destination: destination, attempts: ended.item.attempt))
    }
  }

  /// nil where it is to be tried again at once.
  private func destination(after failure: Outcome.Failure, _ ended: EndedJob) -> Move.Destination? {
    if failure.reason == .failed, case .exited(let code)? = ended.status, options.rejectedStatuses.contains(code) {
      return lastDestination(
        DeadLetterCause(reason: .rejected, status: ended.status, standardError: ended.standardError))
    }
    let cause = DeadLetterCause(reason: failure.reason, status: ended.status, standardError: ended.standardError)
    guard ended.item.attempt < options.most else { return lastDestination(cause) }
    return hasRetries ? .retry(after: options.retryDelay, cause) : nil
  }

  /// Where an item goes that nobody can try. Of a queue without another one beside it, it goes to the tail: those behind it come
  /// first.
  private func destinationAside(_ cause: DeadLetterCause) -> Move.Destination {
    switch standing {
    case .plain, .deadLettering(nil): .queue
    case .declared, .deadLettering: lastDestination(cause)
    }
  }

  /// Where an item goes that nobody should try again.
  func lastDestination(_ cause: DeadLetterCause) -> Move.Destination {
    if case .deadLettering(let target?) = standing { .deadLetterExchange(target, cause) } else { .deadLetter(cause) }
  }
}
