internal import AMQP
package import Linux

/// Connections that nobody needs any more. Each is gone when the broker has answered its close, or has had its time for
/// that: a socket that is closed before leaves a warning in the broker's log.
package struct ClosingLinks {
  private struct Closing {
    let link: BrokerLink
    let limit: ContinuousClock.Instant
  }

  private var closings: [Closing] = []

  package init() {}

  package var isEmpty: Bool { closings.isEmpty }

  /// Begins to close the link, which nobody else uses any more, and drops it at `limit`.
  package mutating func add(_ link: BrokerLink, limit: ContinuousClock.Instant) {
    link.close()
    link.flush()
    if link.interest != nil { closings.append(Closing(link: link, limit: limit)) }
  }

  package var interests: [PollInterest] { closings.compactMap(\.link.interest) }

  /// When `process` wants to be called at the latest.
  package var deadline: ContinuousClock.Instant? {
    closings.flatMap { [$0.limit, $0.link.deadline].compactMap(\.self) }.min()
  }

  /// Takes what each of `interests` is ready for, in their order.
  package mutating func process(_ readiness: some Collection<PollReadiness>, now: ContinuousClock.Instant) {
    for (closing, readiness) in zip(closings, readiness) { _ = closing.link.process(readiness, now: now) }
    closings.removeAll { $0.link.interest == nil || now >= $0.limit }
  }
}
