internal import AMQP
package import Broker

/// Lost connections: how long and how often the brokers are tried again.
extension Publication {
  /// The connection, or the attempt at one, has ended.
  /// - Returns: how many items have to be sent again if it is to be tried again, else nil.
  package mutating func failed(_ failure: BrokerFailure, now: ContinuousClock.Instant) -> Int? {
    guard mayPass(failure.kind) else {
      phase = .ended(.broker(failure))
      return nil
    }
    // A connection that had nothing to confirm proves itself by lasting.
    if let readySince, window.isEmpty, now >= readySince + min(Self.proof, limits.outage) { progressed() }
    readySince = nil
    let outageEnd = outageEnd ?? now + limits.outage
    self.outageEnd = outageEnd
    attempts += 1
    let isFirst = failure.kind == .lost && !hasFailed
    hasFailed = true
    if failure.kind == .lost { isOutageAnnounced = true }
    let pause = isFirst || attempts % brokerCount != 0 ? .zero : backOff.pause(chance: chance())
    guard now < outageEnd, ending == nil else {
      // That it was there for moments is no more than that it was not there.
      var failure = failure
      if !isFirst, failure.kind == .lost { failure.kind = .unreachable }
      phase = .ended(ending.map { .signal($0.signal) } ?? .broker(failure))
      return nil
    }
    isBlocked = false
    let (count, firstTime) = window.restart()
    resentCount += firstTime
    phase = .waiting(until: min(now + pause, outageEnd))
    return count
  }

  /// All brokers have been tried, and the end does not follow at once. Once an outage.
  mutating func announcesOutage(now: ContinuousClock.Instant) -> Bool {
    let isLong = outageEnd.map { now + BrokerSession.shortWait < $0 } ?? false
    guard !isOutageAnnounced, attempts >= brokerCount, isLong else { return false }
    isOutageAnnounced = true
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
