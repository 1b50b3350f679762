/// Decides when to read the token file of an open connection, and what to do with the token there, without any I/O. The
/// steady clock schedules the checks. The time of day, in seconds since 1970, is compared with the expiry times.
struct TokenRenewal: Sendable {
  /// The contents of the token file.
  enum Found: Hashable, Sendable {
    case token(AccessToken)
    case unreadable(String)
  }

  enum Step: Hashable, Sendable {
    /// Ask the broker to accept the new token. `accepted` follows, or the end of the connection.
    case renew(AccessToken)
    /// Warn that the old token expires in this many seconds and there is no new one.
    case warn(secondsLeft: Double, TokenProblem)
  }

  /// The maximum time between checks in seconds, which also applies to a token without an expiry time.
  static let maxPause = 60.0
  /// The minimum time between checks in seconds.
  static let minPause = 0.5
  /// The time for which a new token must stay the same before it is used. A file that is written in place may be seen
  /// incomplete.
  static let settling: Duration = .seconds(1)
  /// A new token is used at once if the old one has no more than this many seconds left.
  static let urgency = 2.0
  /// The maximum time before the expiry at which a missing new token is worth a warning, in seconds. Short-lived tokens
  /// have less.
  static let maxWarningTime = 300.0

  private(set) var current: AccessToken
  private(set) var nextCheck: ContinuousClock.Instant
  private var candidate: (token: AccessToken, since: ContinuousClock.Instant)?
  /// The token that the broker has been asked to accept, until it answers.
  private var underWay: AccessToken?
  private var warningTime = 0.0
  private var hasWarned = false

  /// `current` is the token with which the connection was made.
  init(_ current: AccessToken, now: ContinuousClock.Instant, time: Double) {
    self.current = current
    nextCheck = now
    begin(now: now, time: time)
  }

  /// Whether the broker has been asked to accept a token and has not answered.
  var isUnderWay: Bool { underWay != nil }

  private mutating func begin(now: ContinuousClock.Instant, time: Double) {
    let left = secondsLeft(time)
    warningTime = left.map { min(max($0 / 10, Self.urgency), Self.maxWarningTime) } ?? 0
    hasWarned = false
    nextCheck = now + pause(left)
  }

  private func secondsLeft(_ time: Double) -> Double? { current.expiry.map { $0 - time } }

  private func pause(_ left: Double?) -> Duration {
    let usual = Duration.seconds(
      left.map { max(min($0 / 10, Self.maxPause), Self.minPause) } ?? Self.maxPause)
    return candidate == nil ? usual : min(usual, Self.settling)
  }

  /// Takes the contents of the token file.
  mutating func check(_ found: Found, now: ContinuousClock.Instant, time: Double) -> Step? {
    let left = secondsLeft(time)
    defer { nextCheck = now + pause(left) }
    guard underWay == nil else { return nil }
    let problem: TokenProblem
    switch found {
    case .unreadable(let reason): problem = .unreadable(reason)
    case .token(let token):
      guard let found = self.problem(with: token, time) else { return consider(token, left, now: now) }
      problem = found
    }
    candidate = nil
    guard let left, left <= warningTime, !hasWarned else { return nil }
    hasWarned = true
    return .warn(secondsLeft: left, problem)
  }

  private mutating func consider(_ token: AccessToken, _ left: Double?, now: ContinuousClock.Instant) -> Step? {
    let since = candidate?.token == token ? candidate?.since ?? now : now
    guard now >= since + Self.settling || left.map({ $0 <= Self.urgency }) == true else {
      candidate = (token, since)
      return nil
    }
    (candidate, underWay) = (nil, token)
    return .renew(token)
  }

  /// The reason not to send a token. A broker closes the connection because of a token that it rejects, so a token that
  /// cannot be better than the old one is not sent.
  private func problem(with token: AccessToken, _ time: Double) -> TokenProblem? {
    if token == current { return .unchanged }
    if let expiry = token.expiry { return expiry > max(time, current.expiry ?? time) ? nil : .endsNoLater }
    return current.expiry == nil ? nil : .unknownEnd
  }

  /// Notes that the broker has accepted the new token.
  mutating func accepted(now: ContinuousClock.Instant, time: Double) {
    guard let token = underWay else { return }
    (current, underWay) = (token, nil)
    begin(now: now, time: time)
  }

  /// Notes that the new token could not be sent.
  mutating func notSent() { underWay = nil }
}

/// The reason why the token in the file does not replace the one that expires.
package enum TokenProblem: Hashable, Sendable, CustomStringConvertible {
  case unreadable(String)
  case unchanged
  case endsNoLater
  /// The token is not a JWT, or has no expiry time.
  case unknownEnd

  package var description: String {
    switch self {
    case .unreadable(let reason): "it cannot be read (\(reason))"
    case .unchanged: "it holds no new one yet"
    case .endsNoLater: "the one in it now does not run out later, or has already run out"
    case .unknownEnd: "its text is no token with an 'exp'"
    }
  }
}
