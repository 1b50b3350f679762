/// When the items of a batch are to be in their queue.
package enum DueTime: Hashable, Sendable {
  /// So long after each is taken from its source.
  case after(Duration)
  /// All at this time.
  case at(ContinuousClock.Instant)

  /// When an item is due that is taken `now`.
  func time(now: ContinuousClock.Instant) -> ContinuousClock.Instant {
    switch self {
    case .after(let delay): now + delay
    case .at(let time): time
    }
  }

  /// The longest delay of an item that is taken from `now` on, in seconds.
  package func maxSeconds(now: ContinuousClock.Instant) -> Int { Self.seconds(from: now, to: time(now: now)) }

  /// The whole seconds between two times, rounded up, so that an item never comes early. 0 if the later one comes first.
  static func seconds(from start: ContinuousClock.Instant, to end: ContinuousClock.Instant) -> Int {
    max(0, Int(((end - start) / .seconds(1)).rounded(.up)))
  }
}
