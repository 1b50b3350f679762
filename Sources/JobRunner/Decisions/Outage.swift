internal import Broker

/// How long a broker has been of no use, and when to try it again. A connection that is made and lost is no end of an
/// outage: it has to prove itself, by an item that is settled over it, or by lasting. So a peer that lets everyone in and
/// drops them is not connected to without a pause, nor for ever.
struct Outage: Hashable, Sendable {
  /// How long a connection has to last to be one that has proved itself, although nothing was settled over it.
  static let proof: Duration = .seconds(10)

  /// When the broker was last of use, or was first tried.
  private(set) var start: ContinuousClock.Instant?
  private var backOff = BackOff()
  /// Since when the connection that there is has been of use.
  private var servedAt: ContinuousClock.Instant?
  /// Somebody has been told of it.
  var isAnnounced = false

  /// The broker has said something of the queue over a connection that is new, or is not.
  mutating func served(now: ContinuousClock.Instant) { servedAt = servedAt ?? now }

  /// An item was settled.
  mutating func settled() { (start, backOff, isAnnounced) = (nil, BackOff(), false) }

  /// The connection, or the attempt at one, has ended. How long to wait before the next one: not at all after a connection that
  /// has proved itself.
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
