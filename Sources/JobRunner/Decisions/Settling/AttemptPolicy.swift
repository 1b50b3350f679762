internal import AMQP
internal import Broker
internal import Linux

/// Decides what to do with an item by its attempts: when it comes, and when a worker has ended.
struct AttemptPolicy: Sendable {
  let options: AttemptOptions
  /// Returns a number from 0 to 1, a new one for each delay.
  let jitter: @Sendable () -> Double
  private(set) var standing: QueueTopology
  /// No dead-letter exchange is to be seen, although the user says that there is one. A policy may give the queue one.
  private(set) var showsNoExchange = false

  init(
    options: AttemptOptions, standing: QueueTopology = .plain(nil), jitter: @escaping @Sendable () -> Double = { 0.5 }
  ) {
    (self.options, self.standing, self.jitter) = (options, standing, jitter)
  }

  /// Takes the queue for what it is found to be. A user who asks for rejections also says that there is a dead-letter exchange.
  mutating func take(_ found: QueueTopology) {
    showsNoExchange = false
    standing = found
    guard options.onFailure == .reject, case .plain = found else { return }
    (standing, showsNoExchange) = (.deadLettering(nil), true)
  }

  /// The queue has a retry and a dead-letter queue.
  var hasRetries: Bool { standing == .declared }

  /// The runner limits the attempts, and not the broker.
  private var limitsAttempts: Bool {
    switch standing {
    case .declared: true
    case .plain: false
    case .deadLettering: options.areRequired
    }
  }

  /// The queue allows what the user asked for.
  var isPossible: Bool {
    guard options.onFailure == nil || !hasRetries, !options.keepsStandardError || limitsAttempts else { return false }
    guard options.needDeadLetters else { return true }
    return hasRetries || hasPlaceForDeadLetters && !options.needRetryQueue
  }

  /// It is known where items go that are not tried again.
  private var hasPlaceForDeadLetters: Bool {
    switch standing {
    case .plain, .deadLettering(nil): false
    case .declared, .deadLettering: true
    }
  }

  enum Receipt: Hashable, Sendable {
    case run
    /// Crashes have to be counted in the item before it is run, which takes a copy.
    case recount
    /// The item has no attempts left.
    case deadLetter
    /// No worker can have the item, for this reason. It is moved out of the way as it is.
    case setAside(Move, DeadLetter.Reason)
  }

  enum Decision: Hashable, Sendable {
    case acknowledge
    case requeue
    /// The broker dead-letters the item.
    case reject
    case move(Move)
  }

  func receipt(of item: WorkItem) -> Receipt {
    if let reason = reasonToSetAside(item) { return setAside(item, reason) }
    if limitsAttempts, item.attempt > options.maxAttempts { return .deadLetter }
    if hasPlaceForDeadLetters, let age = options.maxAge, item.isOlder(than: age) { return setAside(item, .expired) }
    if limitsAttempts, item.hasUncountedReturn { return .recount }
    // A delivery limit makes the broker drop an item silently. If the queue has a dead-letter exchange, that limit is its owner's.
    if case .deadLettering = standing { return .run }
    return item.nearsDeliveryLimit ? .recount : .run
  }

  private func setAside(_ item: WorkItem, _ reason: DeadLetter.Reason) -> Receipt {
    let destination = destinationAside(DeadLetterCause(reason: reason))
    return .setAside(Move(destination: destination, attempts: item.attempt - 1), reason)
  }

  private func reasonToSetAside(_ item: WorkItem) -> DeadLetter.Reason? {
    if item.isTooLarge { return .tooLarge }
    if item.unfitReason != nil { return .malformed }
    return item.properties.undecodable != nil && !options.runsMalformed ? .malformed : nil
  }

  func decision(of ended: EndedJob) -> Decision {
    switch ended.outcome {
    case .done: return .acknowledge
    case .abandoned: return .requeue
    case .interrupted:
      // The broker would count a plain requeue.
      return hasRetries ? .move(Move(destination: .queue, attempts: ended.item.attempt - 1)) : .requeue
    case .failed where options.onFailure == .reject: return .reject
    case .failed(let failure):
      guard limitsAttempts, let destination = destination(after: failure, ended) else { return .requeue }
      return .move(Move(destination: destination, attempts: ended.item.attempt))
    }
  }

  /// Returns nil if the item is tried again at once.
  private func destination(after failure: Outcome.Failure, _ ended: EndedJob) -> Move.Destination? {
    var cause = DeadLetterCause(
      reason: failure.reason, status: ended.status, standardError: ended.standardError, step: ended.step)
    if failure.reason == .failed, case .exited(let code)? = ended.status, options.rejectedStatuses.contains(code) {
      cause.reason = .rejected
      return lastDestination(cause)
    }
    guard ended.item.attempt < options.maxAttempts else { return lastDestination(cause) }
    return hasRetries ? retry(afterAttempt: ended.item.attempt, cause) : nil
  }

  private func retry(afterAttempt attempt: Int, _ cause: DeadLetterCause) -> Move.Destination {
    guard let backoff = options.backoff else { return .retry(after: options.retryDelay, cause) }
    let level = backoff.level(afterAttempt: attempt)
    let delay = backoff.delay(ofLevel: level, jitter: options.retryJitter, random: jitter())
    return .retry(after: delay, cause, level: level)
  }

  /// Where an item goes that no worker can have. If there is no queue for dead letters, it goes to the tail of its queue, so that
  /// the items behind it come first.
  private func destinationAside(_ cause: DeadLetterCause) -> Move.Destination {
    hasPlaceForDeadLetters ? lastDestination(cause) : .queue
  }

  /// Where an item goes that is not tried again.
  func lastDestination(_ cause: DeadLetterCause) -> Move.Destination {
    if case .deadLettering(let target?) = standing { .deadLetterExchange(target, cause) } else { .deadLetter(cause) }
  }
}
