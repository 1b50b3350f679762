internal import AMQP

/// Whether a queue is drained: no item ready, and no consumer that may still give one back.
///
/// A look has three steps: with our consumer, without it, and with it again. What is seen without
/// it counts only where the other two show it, since a quorum queue whose leader is slow to answer
/// is reported with 0 messages and 0 consumers. Three empty looks in a row make the queue drained.
/// The steps are not sent together: RabbitMQ 3.10 loses a channel whose consumer is cancelled
/// before it has settled in.
struct Drain: Hashable, Sendable {
  static let looksNeeded = 3
  static let pause: Duration = .seconds(1)

  enum Step: Hashable, Sendable {
    case before
    case between
    case after
  }

  enum Finding: Hashable, Sendable {
    /// Something is ready.
    case items
    /// Somebody else consumes.
    case otherConsumers
    /// The answers do not show our own consumer, and so show nothing.
    case void
    case empty
    /// Empty as often as it takes.
    case drained
  }

  enum Judgement: Hashable, Sendable {
    case next(Step)
    case finding(Finding)
  }

  private(set) var step = Step.before
  /// What the look came to; it is acted on when our consumer is gone again.
  var finding: Finding?
  private var answerCount = 0
  private var emptyLooks = 0
  /// Since when no look has counted.
  private(set) var voidSince: ContinuousClock.Instant?

  mutating func begin(_ step: Step) {
    self.step = step
    finding = nil
    answerCount = 0
  }

  /// Takes an answer to `queue.declare`: one with our consumer, two without. nil where another is to come.
  mutating func take(
    _ answer: Method.QueueStatus, now: ContinuousClock.Instant
  ) -> Judgement? {
    answerCount += 1
    if answer.messageCount > 0 { return occupied(.items) }
    switch step {
    case .before, .after:
      guard answer.consumerCount > 0 else {
        voidSince = voidSince ?? now
        return .finding(.void)
      }
      return step == .before ? .next(.between) : .finding(countedEmpty())
    case .between:
      guard answer.consumerCount == 0 else { return occupied(.otherConsumers) }
      return answerCount < 2 ? nil : .next(.after)
    }
  }

  private mutating func occupied(_ finding: Finding) -> Judgement {
    voidSince = nil
    emptyLooks = 0
    return .finding(finding)
  }

  private mutating func countedEmpty() -> Finding {
    voidSince = nil
    emptyLooks += 1
    return emptyLooks < Self.looksNeeded ? .empty : .drained
  }

  /// An item came, or the connection went: whatever was seen before counts no more.
  mutating func interrupt() { self = Drain() }
}
