/// What a standby has been told about the leader. It becomes void when the leader's lease may have ended: a name is never told
/// that no longer holds.
struct Knowledge: Sendable {
  /// A question that was asked before this many others is not waited for any more.
  private static let mostQuestions = 16

  /// When the questions were sent, by their numbers.
  private var questions: [Int64: ContinuousClock.Instant] = [:]
  /// The latest answer that named a leader, and when it becomes void.
  private(set) var latest: (leader: Leader, end: ContinuousClock.Instant)?

  mutating func asked(_ number: Int64, now: ContinuousClock.Instant) {
    questions[number] = now
    while questions.count > Self.mostQuestions, let oldest = questions.keys.min() { questions[oldest] = nil }
  }

  /// Takes an answer. Its time counts from the question, because nobody knows how long the answer was on its way.
  mutating func told(_ answer: ElectionMessage.Answer) {
    guard let askedAt = questions[answer.ask.number] else { return }
    latest = answer.leader.map { ($0, askedAt + answer.left) }
  }

  mutating func forget() { latest = nil }

  /// Who leads now, as far as this is known.
  func leader(now: ContinuousClock.Instant) -> Leader? { latest.flatMap { now < $0.end ? $0.leader : nil } }

  /// When what is known becomes void.
  var end: ContinuousClock.Instant? { latest?.end }
}
