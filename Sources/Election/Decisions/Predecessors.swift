internal import AMQP

/// The other candidates that have led or wanted to lead, and how long each has to be waited for.
struct Predecessors: Sendable {
  private struct Predecessor {
    /// The number of its latest message.
    var number: Int64
    var name: ByteString
    var epoch: Int64
    var end: ContinuousClock.Instant
  }

  private var known: [ByteString: Predecessor] = [:]
  /// The end of the wait for leaders of which nothing is known.
  private var unknownEnd: ContinuousClock.Instant?
  private(set) var greatestEpoch: Int64 = 0

  mutating func received(_ state: ElectionMessage.State, now: ContinuousClock.Instant) {
    greatestEpoch = max(greatestEpoch, state.epoch)
    // A message may come back after a later one of its sender.
    if let former = known[state.id.candidate], former.number > state.id.number { return }
    known[state.id.candidate] = Predecessor(
      number: state.id.number, name: state.name, epoch: state.epoch, end: now + state.wait)
  }

  mutating func heard(of leader: Leader) { greatestEpoch = max(greatestEpoch, leader.epoch) }

  mutating func assumeUnknown(until end: ContinuousClock.Instant) { unknownEnd = end }

  /// Forgets whom nobody has to wait for any more.
  mutating func forget(now: ContinuousClock.Instant) {
    known = known.filter { $0.value.end > now }
    if let end = unknownEnd, end <= now { unknownEnd = nil }
  }

  /// When the last of them has been waited for; nil if that is so already.
  func end(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    let last = (known.values.map(\.end) + [unknownEnd].compactMap(\.self)).max()
    return last.flatMap { $0 > now ? $0 : nil }
  }

  /// The one that has to be waited for longest; nil if its name is not known.
  func last(now: ContinuousClock.Instant) -> Leader? {
    let end = end(now: now)
    return known.values.first { $0.end == end }.map { Leader(name: $0.name, epoch: $0.epoch) }
  }
}
