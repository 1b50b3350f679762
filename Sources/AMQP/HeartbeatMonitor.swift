/// Decides when to send a heartbeat, and when a peer has been silent for too long
/// (AMQP 0-9-1, 4.2.7 "Heartbeat Frames").
struct HeartbeatMonitor {
  /// In seconds, as agreed with the peer.
  let interval: Int
  private var lastSent: ContinuousClock.Instant
  private var lastReceived: ContinuousClock.Instant

  init(interval: Int, now: ContinuousClock.Instant) {
    self.interval = interval
    lastSent = now
    lastReceived = now
  }

  /// Half an interval, so that one late heartbeat does not cost the connection.
  private var sendPeriod: Duration { .seconds(interval) / 2 }

  var nextTick: ContinuousClock.Instant {
    min(lastSent + sendPeriod, lastReceived + .seconds(2 * interval))
  }

  func shouldSend(at now: ContinuousClock.Instant) -> Bool { now >= lastSent + sendPeriod }

  func isPeerSilent(at now: ContinuousClock.Instant) -> Bool {
    now >= lastReceived + .seconds(2 * interval)
  }

  mutating func didSend(at now: ContinuousClock.Instant) { lastSent = now }
  mutating func didReceive(at now: ContinuousClock.Instant) { lastReceived = now }
}
