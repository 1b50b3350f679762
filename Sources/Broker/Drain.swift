package import AMQP

/// Whether a queue is drained: no item ready, none in its retry queue or on its way back from there, and no consumer that may
/// still give one back.
///
/// A look asks for the counts of both queues, by turns, while we have consumers on the queue. What it finds counts
/// only if it shows our own consumers each time, since a quorum queue whose leader is slow to answer, or away, is
/// reported with 0 messages and 0 consumers. On the retry queue we have none; there a `basic.get` that finds nothing
/// tells, which only a leader can answer. An item can be invisible for some milliseconds on its way from one queue to
/// the other, so three empty looks in a row make the queue drained.
package struct Drain: Hashable, Sendable {
  package static let looksNeeded = 3
  package static let pause: Duration = .seconds(1)

  package enum Finding: Hashable, Sendable {
    /// Something is ready.
    case items
    /// Something will come back from the retry queue.
    case retries
    /// Somebody else consumes.
    case otherConsumers
    /// Nothing but marks: items are on their way back from the retry queue, out of sight, or have left it otherwise.
    case returning
    /// The answers do not show our own consumers, and so show nothing.
    case void
    case empty
    /// Empty as often as it takes.
    case drained
  }

  package enum Answer: Hashable, Sendable {
    case status(Method.QueueStatus)
    /// To `basic.get`.
    case message
    case noMessage
  }

  package enum Next: Hashable, Sendable {
    /// Nobody is in the way: the look can `begin`.
    case begin
    /// The look goes on with these questions.
    case ask([Method])
    case found(Finding)
  }

  private enum Question: Hashable, Sendable {
    /// Before we have a consumer, for the consumers of many that look would hide each other's queue.
    case othersAtTheQueue
    case queue
    case retryQueue
    case retryQueueLeader
    case marksQueue
  }

  private let queue: WorkQueue
  private var unanswered: [Question] = []
  /// Answers that are on their way to a look that was given up.
  private var staleCount = 0
  private var ownConsumerCount = 0
  private var hasToAskRetryLeader = false
  private var seen: Set<Finding> = []
  private var emptyLooks = 0
  /// What the look came to; it is acted on when our consumers are gone.
  package private(set) var finding: Finding?
  /// Since when no look has counted.
  package private(set) var voidSince: ContinuousClock.Instant?
  /// How many marks the look found.
  package private(set) var markCount: UInt32 = 0
  /// Since when every look has found marks, and neither items nor retries. Others that look, too, change nothing about that.
  package private(set) var returningSince: ContinuousClock.Instant?
  /// How many of these looks have found no other consumer, either.
  private var looksWithoutOthers = 0
  /// Nobody has an item with a mark in hand: a consumer would show, but for the moment in which an item is settled.
  package var showsNobody: Bool { finding == .returning && looksWithoutOthers >= Self.looksNeeded }

  /// What the look is at, in a few words.
  package var summary: String {
    let waiting = unanswered.isEmpty ? "" : ", unanswered: \(unanswered.map { "\($0)" }.joined(separator: ", "))"
    return "look: \(finding.map { "\($0)" } ?? "open"), \(emptyLooks) empty, \(staleCount) stale\(waiting)"
  }

  package init(_ queue: WorkQueue) { self.queue = queue }

  /// What to ask where we have no consumer, before one is attached.
  package mutating func sense() -> [Method] {
    ownConsumerCount = 0
    hasToAskRetryLeader = false
    seen = []
    finding = nil
    return ask([.othersAtTheQueue])
  }

  /// What to ask first, in order and on one channel, with so many consumers of our own.
  package mutating func begin(ownConsumers: Int, hasRetries: Bool) -> [Method] {
    ownConsumerCount = ownConsumers
    hasToAskRetryLeader = hasRetries
    seen = []
    finding = nil
    return ask(hasRetries ? [.queue, .retryQueue, .marksQueue, .queue] : [.queue, .queue])
  }

  private mutating func ask(_ questions: [Question]) -> [Method] {
    unanswered = questions
    return questions.map { question in
      switch question {
      case .queue, .othersAtTheQueue: .queueDeclare(.init(name: ByteString(queue.name), isPassive: true))
      case .retryQueue: .queueDeclare(.init(name: ByteString(queue.retryName), isPassive: true))
      case .marksQueue: .queueDeclare(.init(name: ByteString(queue.marksName), isPassive: true))
      case .retryQueueLeader: .basicGet(queue: ByteString(queue.retryName))
      }
    }
  }

  /// Takes an answer; what comes next, once it is the last one. A message that was got has to be given back.
  package mutating func take(_ answer: Answer, now: ContinuousClock.Instant) -> Next? {
    guard staleCount == 0 else {
      staleCount -= 1
      return nil
    }
    guard !unanswered.isEmpty else { return nil }
    let question = unanswered.removeFirst()
    note(answer, to: question)
    guard unanswered.isEmpty else { return nil }
    if question == .othersAtTheQueue, seen.isEmpty { return .begin }
    if seen.isEmpty, hasToAskRetryLeader {
      // Not before: where something waits there, it would be got.
      hasToAskRetryLeader = false
      return .ask(ask([.retryQueueLeader, .queue]))
    }
    let found = [.items, .retries, .void, .otherConsumers, .returning].first(where: seen.contains) ?? .empty
    return .found(conclude(found, now: now))
  }

  private mutating func note(_ answer: Answer, to question: Question) {
    switch answer {
    case .message: seen.insert(.retries)
    case .noMessage: break
    case .status(let status) where question == .retryQueue:
      if status.messageCount > 0 { seen.insert(.retries) }
    case .status(let status) where question == .marksQueue:
      markCount = status.messageCount
      if markCount > 0 { seen.insert(.returning) }
    case .status(let status):
      if status.messageCount > 0 { seen.insert(.items) }
      if status.consumerCount < ownConsumerCount { seen.insert(.void) }
      if status.consumerCount > ownConsumerCount { seen.insert(.otherConsumers) }
    }
  }

  private mutating func conclude(_ found: Finding, now: ContinuousClock.Instant) -> Finding {
    voidSince = found == .void ? voidSince ?? now : nil
    if seen.contains(.returning), !seen.contains(.items), !seen.contains(.retries) {
      returningSince = returningSince ?? now
      if found == .returning { looksWithoutOthers += 1 }
    } else if found != .void, found != .otherConsumers {
      endReturn()
    }
    emptyLooks = found == .empty ? emptyLooks + 1 : 0
    let concluded = found == .empty && emptyLooks >= Self.looksNeeded ? .drained : found
    finding = concluded
    return concluded
  }

  /// An item came: whatever was seen before counts no more.
  package mutating func interrupt(finding: Finding? = nil) {
    staleCount += unanswered.count
    unanswered = []
    emptyLooks = 0
    voidSince = nil
    endReturn()
    self.finding = finding
  }

  private mutating func endReturn() {
    returningSince = nil
    looksWithoutOthers = 0
  }

  /// The channel that the questions went out on is gone. A broker can hang up over a question whose queue has no leader.
  package mutating func channelLost(now: ContinuousClock.Instant) {
    let since = unanswered.isEmpty ? voidSince : voidSince ?? now
    self = Drain(queue)
    voidSince = since
  }
}
