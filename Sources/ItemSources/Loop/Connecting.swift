internal import Broker
internal import Console

/// Which broker to try when, and for how long. A publisher that has joined once never gives up: the election ends it.
struct Connecting: Sendable {
  enum Verdict: Sendable {
    case retry(after: Duration, LogEntry?)
    case giveUp
  }

  private let timeout: Duration
  private let mayLoginChange: Bool
  private let startedAt: ContinuousClock.Instant
  private var attemptCount = 0
  private var hasJoined = false
  private var isAnnounced = false
  private var backOff = BackOff()

  init(timeout: Duration, mayLoginChange: Bool, now: ContinuousClock.Instant) {
    (self.timeout, self.mayLoginChange, startedAt) = (timeout, mayLoginChange, now)
  }

  /// The next of the brokers, which are tried in turn.
  mutating func next<Broker>(of brokers: [Broker]) -> Broker {
    defer { attemptCount += 1 }
    return brokers[attemptCount % brokers.count]
  }

  mutating func joined() { (hasJoined, isAnnounced, backOff) = (true, false, BackOff()) }

  mutating func failed(_ failure: BrokerFailure, now: ContinuousClock.Instant, jitter: Double) -> Verdict {
    let isFinal = failure.kind == .untrusted || failure.kind == .loginRefused
    guard !isFinal || hasJoined && mayLoginChange else { return .giveUp }
    return broken("\(failure)", now: now, jitter: jitter)
  }

  mutating func broken(_ line: LogMessage, now: ContinuousClock.Instant, jitter: Double) -> Verdict {
    guard hasJoined || now < startedAt + timeout else { return .giveUp }
    defer { isAnnounced = true }
    let entry = isAnnounced ? nil : LogEntry(hasJoined ? .warning : .notice, "\(line); connecting again")
    return .retry(after: backOff.pause(jitter: jitter), entry)
  }
}
