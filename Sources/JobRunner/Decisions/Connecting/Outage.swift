internal import Broker

/// How long the broker has been of no use, and when to try it again. A new connection does not end an outage by itself. It has to
/// prove itself first: an item is settled over it, or it lasts. A peer that accepts every connection and drops it is therefore not
/// tried without a pause, nor without a limit.
struct Outage: Hashable, Sendable {
  /// How long a connection has to last to prove itself if no item is settled over it.
  static let proof: Duration = .seconds(10)

  /// When the broker was last of use, or was first tried.
  private(set) var start: ContinuousClock.Instant?
  private var backOff = BackOff()
  /// Since when the present connection has been of use.
  private var servedAt: ContinuousClock.Instant?
  /// The outage has been logged.
  var isAnnounced = false

  /// The broker has said something about the queue.
  mutating func served(now: ContinuousClock.Instant) { servedAt = servedAt ?? now }

  /// An item was settled.
  mutating func settled() { (start, backOff, isAnnounced) = (nil, BackOff(), false) }

  /// The connection or the attempt at one has ended. Returns how long to wait before the next attempt. After a connection that has
  /// proved itself there is no pause.
  mutating func lost(now: ContinuousClock.Instant, timeout: Duration, jitter: Double) -> Duration {
    if let servedAt, now >= servedAt + min(Self.proof, timeout) { settled() }
    servedAt = nil
    guard start != nil else {
      start = now
      return .zero
    }
    return backOff.pause(jitter: jitter)
  }

  /// The first attempt begins.
  mutating func begin(now: ContinuousClock.Instant) { start = now }

  /// How much is left of `timeout`.
  func left(of timeout: Duration, now: ContinuousClock.Instant) -> Duration {
    max(.zero, timeout - (start?.duration(to: now) ?? .zero))
  }
}
