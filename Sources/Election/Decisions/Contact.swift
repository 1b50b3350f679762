package import Broker
package import Console

/// Which broker to try when, and for how long. A candidate that has joined once never gives up.
package struct Contact: Sendable {
  package enum Verdict: Sendable {
    case retry(after: Duration, LogEntry)
    case giveUp(ExitStatus, LogMessage)
  }

  private let timeout: Duration
  private let longestPause: Duration
  /// The credentials may be replaced, so a login that is refused is tried again once one has succeeded.
  private let mayLoginChange: Bool
  private let startedAt: ContinuousClock.Instant
  private var attemptCount = 0
  private var hasJoined = false
  private var isAnnounced = false
  private var backOff = BackOff()

  package init(timeout: Duration, plan: LeasePlan, mayLoginChange: Bool, now: ContinuousClock.Instant) {
    (self.timeout, self.mayLoginChange) = (timeout, mayLoginChange)
    longestPause = plan.period / 5
    startedAt = now
  }

  /// The next of the brokers, which are tried in turn.
  package mutating func next<Broker>(of brokers: [Broker]) -> Broker {
    defer { attemptCount += 1 }
    return brokers[attemptCount % brokers.count]
  }

  package mutating func joined() { (hasJoined, isAnnounced, backOff) = (true, false, BackOff()) }

  /// The connection could not be made, or has ended.
  package mutating func failed(_ failure: BrokerFailure, now: ContinuousClock.Instant, jitter: Double) -> Verdict {
    let isFinal = failure.kind == .untrusted || failure.kind == .loginRefused
    if isFinal, !(hasJoined && mayLoginChange) {
      let advice = failure.kind == .loginRefused ? "; \(failure.advice)" : ""
      return .giveUp(.notPermitted, "\(failure)\(advice)")
    }
    return broken("\(failure)", now: now, jitter: jitter)
  }

  /// The same for any other reason to connect anew.
  package mutating func broken(_ line: LogMessage, now: ContinuousClock.Instant, jitter: Double) -> Verdict {
    guard hasJoined || now < startedAt + timeout else {
      return .giveUp(.unreachable, "\(line); gave up after \(timeout.text)\(naming: .connectTimeout)")
    }
    defer { isAnnounced = true }
    let level: LogEntry.Level = isAnnounced ? .info : hasJoined ? .warning : .notice
    let more: LogMessage = hasJoined ? "connecting again" : "trying for \(timeout.text)"
    return .retry(after: min(backOff.pause(jitter: jitter), longestPause), LogEntry(level, "\(line); \(more)"))
  }
}
