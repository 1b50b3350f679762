/// Which broker to try when, and for how long. A client that has joined once never gives up.
package struct ConnectionAttempts: Sendable {
  package enum Verdict: Hashable, Sendable {
    /// `isFirst` is whether this is the first failure since the client has joined, or at all.
    case retry(after: Duration, isFirst: Bool)
    case giveUp
  }

  private let timeout: Duration
  private let longestPause: Duration?
  /// The credentials may be replaced, so a login that is refused is tried again once one has succeeded.
  private let mayLoginChange: Bool
  private let startedAt: ContinuousClock.Instant
  private var count = 0
  private var hasFailed = false
  private var backOff = BackOff()
  /// How often the client has joined.
  package private(set) var joinCount = 0

  package init(timeout: Duration, longestPause: Duration? = nil, mayLoginChange: Bool, now: ContinuousClock.Instant) {
    (self.timeout, self.longestPause, self.mayLoginChange) = (timeout, longestPause, mayLoginChange)
    startedAt = now
  }

  /// The next of the brokers, which are tried in turn.
  package mutating func next<Broker>(of brokers: [Broker]) -> Broker {
    defer { count += 1 }
    return brokers[count % brokers.count]
  }

  package var hasJoined: Bool { joinCount > 0 }

  package mutating func joined() {
    joinCount += 1
    (hasFailed, backOff) = (false, BackOff())
  }

  /// Whether another attempt would end as this one did.
  package func isFinal(_ failure: BrokerFailure) -> Bool {
    (failure.kind == .untrusted || failure.kind == .loginRefused) && !(hasJoined && mayLoginChange)
  }

  /// The connection could not be made or is lost, for a reason that may pass.
  package mutating func failed(now: ContinuousClock.Instant, jitter: Double) -> Verdict {
    guard hasJoined || now < startedAt + timeout else { return .giveUp }
    defer { hasFailed = true }
    let pause = backOff.pause(jitter: jitter)
    return .retry(after: longestPause.map { min($0, pause) } ?? pause, isFirst: !hasFailed)
  }
}
