/// What a runner's liveness file says, as text of a fixed size: `amqp-job alive 00000000012345678901 serving`.
package struct LivenessRecord: Hashable, Sendable {
  /// When the event loop last turned, in nanoseconds of the monotonic clock. A step of the wall clock does not affect it.
  package var time: UInt64
  /// The runner is connected to its broker, and has its queue.
  package var isServing: Bool

  package init(time: UInt64, isServing: Bool) {
    self.time = time
    self.isServing = isServing
  }

  private static let start = Array("amqp-job alive ".utf8)
  private static let digitCount = 20
  private static let serving = Array(" serving\n".utf8)
  private static let waiting = Array(" waiting\n".utf8)

  /// What the file holds.
  package var bytes: [UInt8] {
    let digits = String(time)
    let zeros = String(repeating: "0", count: Self.digitCount - digits.count)
    return Self.start + Array((zeros + digits).utf8) + (isServing ? Self.serving : Self.waiting)
  }

  /// Returns nil for bytes that no runner has written.
  package init?(_ bytes: [UInt8]) {
    let digits = bytes.dropFirst(Self.start.count).prefix(Self.digitCount)
    guard bytes.starts(with: Self.start), digits.count == Self.digitCount,
      let time = UInt64(String(decoding: digits, as: UTF8.self))
    else { return nil }
    self.time = time
    switch Array(bytes[digits.endIndex...]) {
    case Self.serving: isServing = true
    case Self.waiting: isServing = false
    default: return nil
    }
  }

  /// Why the runner does not count as alive at the time `now`, or as ready if `asksForBroker` is true; nil if it does.
  package func unhealthyReason(at now: UInt64, maxAge: Duration, asksForBroker: Bool) -> String? {
    guard time <= now else { return "the runner was lost before this host was started" }
    let age = Duration.nanoseconds(Int64(clamping: now - time))
    guard age <= maxAge else { return "the runner has not given a sign of life for \(Int(age / .seconds(1)))s" }
    guard isServing || !asksForBroker else { return "the runner is not connected to its broker, or not to its queue" }
    return nil
  }
}
