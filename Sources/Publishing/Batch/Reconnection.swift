internal import Broker

/// Decides how long and how often a publication connects again. An outage lasts until a broker confirms something, or
/// until a connection has lasted for a while.
struct Reconnection {
  /// What follows a lost connection or a failed attempt.
  enum Decision {
    case retry(at: ContinuousClock.Instant)
    /// The time for this outage is over.
    case giveUp
  }

  /// The time for which a connection must last to end an outage, if there is nothing that the broker could confirm.
  private static let proof: Duration = .seconds(10)

  private let brokerCount: Int
  private let limits: Publication.Limits
  private let jitter: @Sendable () -> Double
  private var backOff = BackOff()
  private var attempts = 0
  /// The end of the present outage. It is nil while there is none.
  private var outageEnd: ContinuousClock.Instant?
  /// Whether a connection has failed since the broker last confirmed something.
  private var hasFailed = false
  private var isAnnounced = false
  /// Whether items could be sent at any time so far.
  private(set) var hasBeenReady = false
  /// The time since when items can be sent on the present connection.
  private var readySince: ContinuousClock.Instant?

  init(
    brokerCount: Int, limits: Publication.Limits, jitter: @escaping @Sendable () -> Double, now: ContinuousClock.Instant
  ) {
    self.brokerCount = brokerCount
    self.limits = limits
    self.jitter = jitter
    outageEnd = now + limits.outage
  }

  /// The index of the broker to connect to next.
  var brokerIndex: Int { attempts % brokerCount }

  /// The time until which an attempt that begins now may take.
  func attemptLimit(now: ContinuousClock.Instant) -> ContinuousClock.Instant {
    let limit = now + limits.opening
    // An attempt that begins when the time is over is the last one, and gets its full time.
    guard let outageEnd, outageEnd > now else { return limit }
    return min(limit, max(outageEnd, now + limits.minOpening))
  }

  mutating func ready(now: ContinuousClock.Instant) {
    readySince = now
    hasBeenReady = true
  }

  /// Ends the outage, because the broker has confirmed something.
  mutating func progressed() {
    (outageEnd, hasFailed, isAnnounced, backOff) = (nil, false, false, BackOff())
  }

  /// Takes a failure that may pass. `hasOpenItems` tells whether the broker had anything to confirm. The kind of
  /// `failure` changes to `unreachable` if a connection that existed only for moments ends the publication.
  mutating func failed(
    _ failure: inout BrokerFailure, hasOpenItems: Bool, isEnding: Bool, now: ContinuousClock.Instant
  ) -> Decision {
    if let readySince, !hasOpenItems, now >= readySince + min(Self.proof, limits.outage) { progressed() }
    readySince = nil
    let outageEnd = outageEnd ?? now + limits.outage
    self.outageEnd = outageEnd
    attempts += 1
    let isFirst = failure.kind == .lost && !hasFailed
    hasFailed = true
    if failure.kind == .lost { isAnnounced = true }
    let pause = isFirst || attempts % brokerCount != 0 ? .zero : backOff.pause(jitter: jitter())
    guard now < outageEnd, !isEnding else {
      if !isFirst, failure.kind == .lost { failure.kind = .unreachable }
      return .giveUp
    }
    return .retry(at: min(now + pause, outageEnd))
  }

  /// Whether to announce the outage now. This happens once per outage, after all brokers have been tried, unless the
  /// outage is about to end anyway.
  mutating func announces(now: ContinuousClock.Instant) -> Bool {
    let isLong = outageEnd.map { now + BrokerSession.shortWait < $0 } ?? false
    guard !isAnnounced, attempts >= brokerCount, isLong else { return false }
    isAnnounced = true
    return true
  }

  func mayPass(_ kind: BrokerFailure.Kind) -> Bool {
    switch kind {
    case .unreachable, .lost: true
    case .loginRefused: limits.loginMayChange && hasBeenReady
    case .untrusted: false
    }
  }
}
