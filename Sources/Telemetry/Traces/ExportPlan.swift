/// Which spans are sent when, and which are given up, without I/O and without a clock.
package struct ExportPlan: Sendable {
  /// The maximum number of spans in one request, which is sent once there are so many.
  static let batchSize = 512
  /// The maximum number of spans that wait.
  static let capacity = 2048
  /// The pause after the first failure. It doubles with each failure in a row.
  static let firstPause: Duration = .milliseconds(100)
  /// After so many failures in a row, a minute and a half or more, the spans of a request are given up.
  static let maxFailures = 10
  /// The same at the end of the program, which does not wait for long.
  static let maxFailuresAtEnd = 3

  /// What was not sent, and why.
  package struct Loss: Hashable, Sendable {
    package fileprivate(set) var count = 0
    /// The latest reason.
    package fileprivate(set) var reason = ""
  }

  private enum Progress {
    case idle
    case sending
    case pausing(until: ContinuousClock.Instant)
  }

  package private(set) var loss = Loss()
  /// How long a span waits for others.
  private let delay: Duration
  private var waiting: [Span] = []
  /// When the first of them was added.
  private var waitingSince: ContinuousClock.Instant?
  /// What is being sent, or is sent again after a pause.
  private var batch: [Span] = []
  private var progress = Progress.idle
  private var failureCount = 0
  private var isEnding = false

  package init(delay: Duration) { self.delay = delay }

  package mutating func add(_ span: Span, now: ContinuousClock.Instant) {
    guard waiting.count < Self.capacity else { return lose(1, "more than \(Self.capacity) wait") }
    if waiting.isEmpty { waitingSince = now }
    waiting.append(span)
  }

  /// The program ends, so nothing waits for others any more.
  package mutating func end() { isEnding = true }

  /// Whether the program ends, and no span is left.
  package var isDone: Bool { isEnding && waiting.isEmpty && batch.isEmpty }

  /// When `next` is to be called. nil if that is when a span is added, or a request is answered.
  package var due: ContinuousClock.Instant? {
    switch progress {
    case .sending: nil
    case .pausing(let time): time
    case .idle: isEnding || waiting.count >= Self.batchSize ? waitingSince : waitingSince.map { $0 + delay }
    }
  }

  /// The spans to send now; nil if it is not time.
  package mutating func next(now: ContinuousClock.Instant) -> [Span]? {
    guard let due, due <= now else { return nil }
    if batch.isEmpty {
      batch = Array(waiting.prefix(Self.batchSize))
      waiting.removeFirst(batch.count)
      waitingSince = waiting.isEmpty ? nil : waitingSince
    }
    progress = .sending
    return batch
  }

  /// The request was answered. `jitter` is a number from 0 to 1, a new one for each call.
  package mutating func answered(_ answer: ExportAnswer, now: ContinuousClock.Instant, jitter: Double) {
    switch answer {
    case .accepted: finish()
    case .partlyAccepted(let rejected, let reason): finish(losing: min(rejected, batch.count), reason)
    case .refused(let reason): finish(losing: batch.count, reason)
    case .unavailable(let reason):
      failureCount += 1
      guard failureCount < (isEnding ? Self.maxFailuresAtEnd : Self.maxFailures) else {
        return finish(losing: batch.count, reason)
      }
      let pause = Self.firstPause * (1 << (failureCount - 1))
      progress = .pausing(until: now + pause * (0.75 + jitter / 2))
    }
  }

  /// What is left is given up.
  package mutating func giveUp(reason: String) {
    let count = waiting.count + batch.count
    (waiting, waitingSince) = ([], nil)
    finish(losing: count, reason)
  }

  private mutating func finish(losing count: Int = 0, _ reason: String = "") {
    (batch, progress, failureCount) = ([], .idle, 0)
    lose(count, reason)
  }

  private mutating func lose(_ count: Int, _ reason: String) {
    guard count > 0 else { return }
    loss.count += count
    loss.reason = reason
  }
}
