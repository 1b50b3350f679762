internal import AMQP

/// The standbys that want to know who leads. Each is told again when that changes.
struct Askers: Sendable {
  private static let most = 1000

  private struct Asker {
    var ask: ElectionMessage.ID
    var askedAt: ContinuousClock.Instant
  }

  private var askers: [ByteString: Asker] = [:]

  mutating func asked(_ ask: ElectionMessage.Ask, now: ContinuousClock.Instant, period: Duration) {
    askers = askers.filter { now < $0.value.askedAt + period }
    if askers.count < Self.most { askers[ask.replyTo] = Asker(ask: ask.id, askedAt: now) }
  }

  /// The answer to each of them.
  func answers(_ leader: Leader?, left: Duration) -> [ElectionMessage.Answer] {
    askers.map { .init(ask: $0.value.ask, replyTo: $0.key, leader: leader, left: left) }
  }
}
