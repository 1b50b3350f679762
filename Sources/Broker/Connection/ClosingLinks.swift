internal import AMQP
package import Linux

/// Connections that are no longer used and are being closed. Each is dropped when the broker has answered its close, or
/// at its time limit. A connection that is dropped earlier leaves a warning in the broker's log.
package struct ClosingLinks {
  private struct Closing {
    let link: BrokerLink
    let limit: ContinuousClock.Instant
  }

  private var closings: [Closing] = []

  package init() {}

  package var isEmpty: Bool { closings.isEmpty }

  /// Begins to close a link, which nobody else may use any more. It is dropped at `limit`.
  package mutating func add(_ link: BrokerLink, limit: ContinuousClock.Instant) {
    link.close()
    link.flush()
    if link.interest != nil { closings.append(Closing(link: link, limit: limit)) }
  }

  package var interests: [PollInterest] { closings.compactMap(\.link.interest) }

  /// The latest time for the next `process`.
  package var deadline: ContinuousClock.Instant? {
    closings.flatMap { [$0.limit, $0.link.deadline].compactMap(\.self) }.min()
  }

  /// Takes the readiness of each of `interests`, in their order.
  package mutating func process(_ readiness: some Collection<PollReadiness>, now: ContinuousClock.Instant) {
    for (closing, readiness) in zip(closings, readiness) { _ = closing.link.process(readiness, now: now) }
    closings.removeAll { $0.link.interest == nil || now >= $0.limit }
  }

  /// Waits until all of them are closed, or at their limits.
  package mutating func finish() throws(SystemError) {
    while !isEmpty {
      let readiness = try retryingOnShortage { () throws(SystemError) in try poll(interests, until: deadline) }
      process(readiness, now: .now)
    }
  }
}
