internal import AMQP
internal import Broker

/// What is known of a queue's retry queues. AMQP cannot list queues, so the broker is asked for one after the other, until
/// one is missing.
struct RetryLevels: Hashable, Sendable {
  private let queue: WorkQueue
  /// How many there are in any case, because the runner does not begin without them.
  private let needed: Int
  /// How many there are, as far as is known.
  private(set) var count: Int
  /// The level after the last one that is known may exist, but the user may not ask.
  private(set) var isEndHidden = false
  /// The broker is being asked for the next one.
  private(set) var isAsking = false
  /// When the last search ended. nil if it is not known how many there are.
  private(set) var knownSince: ContinuousClock.Instant?

  init(of queue: WorkQueue, needed: Int) { (self.queue, self.needed, count) = (queue, needed, needed) }

  var names: [String] { queue.retryNames(levels: count) }

  /// The first question, or the next one. nil if there can be no other retry queue.
  mutating func ask() -> Method? {
    let name = queue.retryName(level: count + 1)
    isAsking = count < WorkQueue.maxRetryLevel && ShortString(name) != nil
    return isAsking ? .queueDeclare(.init(name: ByteString(name), isPassive: true)) : nil
  }

  /// The next retry queue exists.
  mutating func found() { count += 1 }

  /// There is no other one that the user may ask about.
  mutating func ended(isHidden: Bool, now: ContinuousClock.Instant) {
    (isEndHidden, isAsking, knownSince) = (isHidden, false, now)
  }

  /// There may be others now, or fewer.
  mutating func forget() { (count, isEndHidden, isAsking, knownSince) = (needed, false, false, nil) }
}
