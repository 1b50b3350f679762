package import Broker
package import Console

/// A candidate's attempts to reach the broker, and what it says of them.
package struct Contact: Sendable {
  package enum Verdict: Sendable {
    case retry(after: Duration, LogEntry)
    case giveUp(ExitStatus, LogMessage)
  }

  private let timeout: Duration
  private var attempts: ConnectionAttempts

  package init(timeout: Duration, plan: LeasePlan, mayLoginChange: Bool, now: ContinuousClock.Instant) {
    self.timeout = timeout
    attempts = ConnectionAttempts(
      timeout: timeout, longestPause: plan.period / 5, mayLoginChange: mayLoginChange, now: now)
  }

  package mutating func next<Broker>(of brokers: [Broker]) -> Broker { attempts.next(of: brokers) }

  package mutating func joined() { attempts.joined() }

  /// How often the candidate has joined.
  package var joinCount: Int { attempts.joinCount }

  /// The connection could not be made, or has ended.
  package mutating func failed(_ failure: BrokerFailure, now: ContinuousClock.Instant, jitter: Double) -> Verdict {
    guard !attempts.isFinal(failure) else {
      let advice = failure.kind == .loginRefused ? "; \(failure.advice)" : ""
      return .giveUp(.notPermitted, "\(failure)\(advice)")
    }
    return broken("\(failure)", now: now, jitter: jitter)
  }

  /// The same for any other reason to connect anew.
  package mutating func broken(_ line: LogMessage, now: ContinuousClock.Instant, jitter: Double) -> Verdict {
    switch attempts.failed(now: now, jitter: jitter) {
    case .retry(let pause, let isFirst):
      let hasJoined = attempts.hasJoined
      let level: LogEntry.Level = isFirst ? (hasJoined ? .warning : .notice) : .info
      let more: LogMessage = hasJoined ? "connecting again" : "trying for \(timeout.limitText)"
      return .retry(after: pause, LogEntry(level, "\(line); \(more)"))
    case .giveUp: return .giveUp(.unreachable, "\(line); gave up after \(timeout.text)\(naming: .connectTimeout)")
    }
  }
}
