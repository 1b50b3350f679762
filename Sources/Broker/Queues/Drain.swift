package import AMQP

/// Decides whether a queue is drained. A drained queue has no ready item, no item in its retry queues or on the way back
/// from there, and no other consumer that may still requeue an item.
///
/// A probe asks for the counts of the queue and of the retry queues in turn, while we have consumers on the queue. It is
/// conclusive only if every answer counts our own consumers: a quorum queue whose leader is slow or away is reported
/// with 0 messages and 0 consumers. We have no consumer on a retry queue. There, an empty `basic.get` is conclusive,
/// because only a leader can answer it. An item can be invisible for some milliseconds on its way from one queue to the
/// other, so it takes three empty probes in a row.
package struct Drain: Hashable, Sendable {
  package static let requiredProbes = 3
  package static let pause: Duration = .seconds(1)

  package enum Finding: Hashable, Sendable {
    /// The queue has ready items.
    case items
    /// A retry queue has items, which will come back.
    case retries
    /// The queue has other consumers.
    case otherConsumers
    /// There are only marks. Items are on their way back from a retry queue where no client can see them, or have
    /// left it in another way.
    case returning
    /// The answers do not count our own consumers, and so prove nothing.
    case inconclusive
    case empty
    /// The last of as many empty probes as it takes.
    case drained
  }

  package enum Answer: Hashable, Sendable {
    case status(Method.QueueStatus)
    /// `basic.get` found a message.
    case message
    /// `basic.get` found the queue empty.
    case noMessage
  }

  package enum Next: Hashable, Sendable {
    /// There is no other consumer, so the probe can `begin`.
    case begin
    /// The probe continues with these questions.
    case ask([Method])
    case found(Finding)
  }

  private enum Question: Hashable, Sendable {
    /// Asks for other consumers before we have one. The consumers of several programs that probe would else prevent
    /// each other from finding the queue drained.
    case othersAtTheQueue
    case queue
    case retryQueue(String)
    case retryQueueLeader(String)
    case marksQueue
  }

  private let queue: WorkQueue
  private var unanswered: [Question] = []
  /// The number of answers to expect for a probe that was given up.
  private var staleCount = 0
  private var ownConsumerCount = 0
  /// The retry queues whose leaders are still to be asked.
  private var unaskedLeaders: [String] = []
  private var seen: Set<Finding> = []
  private var emptyProbes = 0
  /// The finding of the probe. It is acted on when our consumers are gone.
  package private(set) var finding: Finding?
  /// The time since when all probes have been inconclusive.
  package private(set) var inconclusiveSince: ContinuousClock.Instant?
  /// The number of marks that the probe found.
  package private(set) var markCount: UInt32 = 0
  /// The time since when every probe has found marks, and neither items nor retries. Probes of other programs do not
  /// change it.
  package private(set) var returningSince: ContinuousClock.Instant?
  /// The number of these probes that have found no other consumer either.
  private var probesWithoutOthers = 0
  /// Whether no consumer has an item with a mark. A consumer is visible except in the moment when it settles an item.
  package var showsNobody: Bool { finding == .returning && probesWithoutOthers >= Self.requiredProbes }

  /// The state of the probe in a few words.
  package var summary: String {
    let waiting = unanswered.isEmpty ? "" : ", unanswered: \(unanswered.map { "\($0)" }.joined(separator: ", "))"
    return "probe: \(finding.map { "\($0)" } ?? "open"), \(emptyProbes) empty, \(staleCount) stale\(waiting)"
  }

  package init(_ queue: WorkQueue) { self.queue = queue }

  /// Asks for other consumers, before we have any. Returns the methods to send.
  package mutating func sense() -> [Method] {
    ownConsumerCount = 0
    unaskedLeaders = []
    seen = []
    finding = nil
    return ask([.othersAtTheQueue])
  }

  /// Begins a probe with this many consumers of our own. A queue that stands alone has no retry queues. Returns the
  /// methods to send, in order and on one channel.
  package mutating func begin(ownConsumers: Int, retryQueues: [String]) -> [Method] {
    ownConsumerCount = ownConsumers
    unaskedLeaders = retryQueues
    seen = []
    finding = nil
    let beside = retryQueues.isEmpty ? [] : retryQueues.map { Question.retryQueue($0) } + [.marksQueue]
    return ask([.queue] + beside + [.queue])
  }

  private mutating func ask(_ questions: [Question]) -> [Method] {
    unanswered = questions
    return questions.map { question in
      switch question {
      case .queue, .othersAtTheQueue: .queueDeclare(.init(name: ByteString(queue.name), isPassive: true))
      case .retryQueue(let name): .queueDeclare(.init(name: ByteString(name), isPassive: true))
      case .marksQueue: .queueDeclare(.init(name: ByteString(queue.marksName), isPassive: true))
      case .retryQueueLeader(let name): .basicGet(queue: ByteString(name))
      }
    }
  }

  /// Takes an answer. The result is nil until all answers are there. A message from `basic.get` has to be requeued.
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
    if seen.isEmpty, !unaskedLeaders.isEmpty {
      // This comes last, because it takes a message if there is one.
      let leaders = unaskedLeaders.map { Question.retryQueueLeader($0) }
      unaskedLeaders = []
      return .ask(ask(leaders + [.queue]))
    }
    let found = [.items, .retries, .inconclusive, .otherConsumers, .returning].first(where: seen.contains) ?? .empty
    return .found(conclude(found, now: now))
  }

  private mutating func note(_ answer: Answer, to question: Question) {
    switch (answer, question) {
    case (.message, _): seen.insert(.retries)
    case (.noMessage, _): break
    case (.status(let status), .retryQueue):
      if status.messageCount > 0 { seen.insert(.retries) }
    case (.status(let status), .marksQueue):
      markCount = status.messageCount
      if markCount > 0 { seen.insert(.returning) }
    case (.status(let status), _):
      if status.messageCount > 0 { seen.insert(.items) }
      if status.consumerCount < ownConsumerCount { seen.insert(.inconclusive) }
      if status.consumerCount > ownConsumerCount { seen.insert(.otherConsumers) }
    }
  }

  private mutating func conclude(_ found: Finding, now: ContinuousClock.Instant) -> Finding {
    inconclusiveSince = found == .inconclusive ? inconclusiveSince ?? now : nil
    if seen.contains(.returning), !seen.contains(.items), !seen.contains(.retries) {
      returningSince = returningSince ?? now
      if found == .returning { probesWithoutOthers += 1 }
    } else if found != .inconclusive, found != .otherConsumers {
      endReturn()
    }
    emptyProbes = found == .empty ? emptyProbes + 1 : 0
    let concluded = found == .empty && emptyProbes >= Self.requiredProbes ? .drained : found
    finding = concluded
    return concluded
  }

  /// Discards all earlier findings, because an item has arrived.
  package mutating func interrupt(finding: Finding? = nil) {
    staleCount += unanswered.count
    unanswered = []
    emptyProbes = 0
    inconclusiveSince = nil
    endReturn()
    self.finding = finding
  }

  private mutating func endReturn() {
    returningSince = nil
    probesWithoutOthers = 0
  }

  /// Starts again after the channel of the questions is lost. A broker may close the connection because of a question
  /// whose queue has no leader.
  package mutating func channelLost(now: ContinuousClock.Instant) {
    let since = unanswered.isEmpty ? inconclusiveSince : inconclusiveSince ?? now
    self = Drain(queue)
    inconclusiveSince = since
  }
}
