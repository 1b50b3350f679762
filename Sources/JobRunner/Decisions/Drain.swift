internal import AMQP
internal import Broker

/// Whether a queue is drained: no item ready, none in its retry queue, and no consumer that may still give one back.
///
/// A look asks for the counts of both queues, by turns, while we have consumers on the queue, and before it and after
/// it. What it finds counts only if it shows our own consumers each time, since a quorum queue whose
/// leader is slow to answer is reported with 0 messages and 0 consumers. An item can be invisible for some
/// milliseconds on its way from one queue to the other, so three empty looks in a row make the queue drained.
struct Drain: Hashable, Sendable {
  static let looksNeeded = 3
  static let pause: Duration = .seconds(1)

  enum Finding: Hashable, Sendable {
    /// Something is ready.
    case items
    /// Something will come back from the retry queue.
    case retries
    /// Somebody else consumes.
    case otherConsumers
    /// The answers do not show our own consumers, and so show nothing.
    case void
    case empty
    /// Empty as often as it takes.
    case drained
  }

  private enum Question: Hashable, Sendable {
    case queue
    case retryQueue
  }

  private var unanswered: [Question] = []
  /// Answers that are on their way to a look that was given up.
  private var staleCount = 0
  private var ownConsumerCount = 0
  private var seen: Set<Finding> = []
  private var emptyLooks = 0
  /// What the look came to; it is acted on when our consumers are gone.
  private(set) var finding: Finding?
  /// Since when no look has counted.
  private(set) var voidSince: ContinuousClock.Instant?

  /// What to ask, in order, with so many consumers of our own.
  mutating func begin(_ queue: WorkQueue, ownConsumers: Int, hasRetries: Bool) -> [Method] {
    ownConsumerCount = ownConsumers
    seen = []
    finding = nil
    unanswered = hasRetries ? [.queue, .retryQueue, .queue, .retryQueue, .queue] : [.queue, .queue]
    return unanswered.map { question in
      let name = question == .queue ? queue.name : queue.retryName
      return .queueDeclare(.init(name: ByteString(name), isPassive: true))
    }
  }

  /// Takes an answer to `queue.declare`; what the look found, once it is the last one.
  mutating func take(_ answer: Method.QueueStatus, now: ContinuousClock.Instant) -> Finding? {
    guard staleCount == 0 else {
      staleCount -= 1
      return nil
    }
    guard !unanswered.isEmpty else { return nil }
    switch unanswered.removeFirst() {
    case .retryQueue:
      if answer.messageCount > 0 { seen.insert(.retries) }
    case .queue:
      if answer.messageCount > 0 { seen.insert(.items) }
      if answer.consumerCount < ownConsumerCount { seen.insert(.void) }
      if answer.consumerCount > ownConsumerCount { seen.insert(.otherConsumers) }
    }
    guard unanswered.isEmpty else { return nil }
    return conclude([.items, .retries, .void, .otherConsumers].first(where: seen.contains) ?? .empty, now: now)
  }

  private mutating func conclude(_ found: Finding, now: ContinuousClock.Instant) -> Finding {
    voidSince = found == .void ? voidSince ?? now : nil
    emptyLooks = found == .empty ? emptyLooks + 1 : 0
    let concluded = found == .empty && emptyLooks >= Self.looksNeeded ? .drained : found
    finding = concluded
    return concluded
  }

  /// An item came: whatever was seen before counts no more.
  mutating func interrupt(finding: Finding? = nil) {
    staleCount += unanswered.count
    unanswered = []
    emptyLooks = 0
    voidSince = nil
    self.finding = finding
  }

  /// The channel that the questions went out on is gone.
  mutating func channelLost() { self = Drain() }
}
