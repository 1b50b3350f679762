/// When to look for a new token for an open connection, and what to do about what is found there. Decisions alone: the steady clock, for
/// the looks, and the time of day, in seconds since 1970, for what tokens say of it, are passed in.
struct TokenRenewal: Sendable {
  /// What is in the token's file.
  enum Found: Hashable, Sendable {
    case token(AccessToken)
    case unreadable(String)
  }

  enum Step: Hashable, Sendable {
    /// Ask the broker to take it in the place of the old one; `taken` follows, or the end of the connection.
    case renew(AccessToken)
    /// The old one runs out in so many seconds, and there is no new one.
    case warn(secondsLeft: Double, TokenProblem)
  }

  /// From one look to the next at most, and where no token says when it runs out.
  static let longestPause = 60.0
  /// From one look to the next at least.
  static let shortestPause = 0.5
  /// What is new is taken once it has stayed the same for so long: a file that is written in place is seen in part.
  static let settling: Duration = .seconds(1)
  /// With no more seconds left than that it is taken at once.
  static let urgency = 2.0
  /// The most seconds before the end that the lack of a new token is worth a warning; it is less for tokens of a short life.
  static let earliestWarning = 300.0

  private(set) var current: AccessToken
  private(set) var nextLook: ContinuousClock.Instant
  private var candidate: (token: AccessToken, since: ContinuousClock.Instant)?
  /// It is with the broker, which has not answered yet.
  private var underWay: AccessToken?
  private var warningTime = 0.0
  private var hasWarned = false

  /// `current` is what the connection was made with.
  init(_ current: AccessToken, now: ContinuousClock.Instant, time: Double) {
    self.current = current
    nextLook = now
    begin(now: now, time: time)
  }

  /// The broker has been asked to take a new one, and has not answered.
  var isUnderWay: Bool { underWay != nil }

  private mutating func begin(now: ContinuousClock.Instant, time: Double) {
    let left = secondsLeft(time)
    warningTime = left.map { min(max($0 / 10, Self.urgency), Self.earliestWarning) } ?? 0
    hasWarned = false
    nextLook = now + pause(left)
  }

  private func secondsLeft(_ time: Double) -> Double? { current.expiry.map { $0 - time } }

  private func pause(_ left: Double?) -> Duration {
    let usual = Duration.seconds(
      left.map { max(min($0 / 10, Self.longestPause), Self.shortestPause) } ?? Self.longestPause)
    return candidate == nil ? usual : min(usual, Self.settling)
  }

  /// Takes what a look into the file has found.
  mutating func look(_ found: Found, now: ContinuousClock.Instant, time: Double) -> Step? {
    let left = secondsLeft(time)
    defer { nextLook = now + pause(left) }
    guard underWay == nil else { return nil }
    let obstacle: TokenProblem
    switch found {
    case .unreadable(let reason): obstacle = .unreadable(reason)
    case .token(let token):
      guard let found = self.obstacle(to: token, time) else { return consider(token, left, now: now) }
      obstacle = found
    }
    candidate = nil
    guard let left, left <= warningTime, !hasWarned else { return nil }
    hasWarned = true
    return .warn(secondsLeft: left, obstacle)
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

  /// A broker ends the connection over a token that it does not take: what cannot be better than the old one is not sent.
  private func obstacle(to token: AccessToken, _ time: Double) -> TokenProblem? {
    if token == current { return .unchanged }
    if let expiry = token.expiry { return expiry > max(time, current.expiry ?? time) ? nil : .endsNoLater }
    return current.expiry == nil ? nil : .unknownEnd
  }

  /// The broker has taken the new one.
  mutating func taken(now: ContinuousClock.Instant, time: Double) {
    guard let token = underWay else { return }
    (current, underWay) = (token, nil)
    begin(now: now, time: time)
  }

  /// The new one could not be sent.
  mutating func notSent() { underWay = nil }
}

/// Why what is in a token's file is not taken in the place of the token that runs out.
package enum TokenProblem: Hashable, Sendable, CustomStringConvertible {
  case unreadable(String)
  case unchanged
  case endsNoLater
  /// It is no JWT, or does not say when it runs out.
  case unknownEnd

  package var description: String {
    switch self {
    case .unreadable(let reason): "it cannot be read (\(reason))"
    case .unchanged: "it holds no new one yet"
    case .endsNoLater: "the one that it holds now runs out no later, or has already"
    case .unknownEnd: "what it holds now is no token with an 'exp'"
    }
  }
}
