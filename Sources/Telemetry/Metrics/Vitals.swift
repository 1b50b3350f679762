/// Whether a program is alive, and whether it can do its work.
package struct Vitals: Hashable, Sendable {
  /// A program whose event loop has not turned for this long is not alive.
  package static let maxAge: Duration = .seconds(30)
  /// How often an event loop with nothing to do turns.
  package static let period: Duration = .seconds(5)

  /// When the event loop last turned.
  package var turnedAt: ContinuousClock.Instant
  /// Why the program cannot do its work now; nil if it can.
  package var obstacle: String?

  package init(turnedAt: ContinuousClock.Instant, obstacle: String?) {
    (self.turnedAt, self.obstacle) = (turnedAt, obstacle)
  }

  /// Why the program does not count as alive; nil if it does.
  package func unhealthyReason(at now: ContinuousClock.Instant) -> String? {
    let age = turnedAt.duration(to: now)
    return age <= Self.maxAge ? nil : "no sign of life for \(age.components.seconds)s"
  }

  /// Why the program does not count as ready; nil if it does.
  package func unreadyReason(at now: ContinuousClock.Instant) -> String? { unhealthyReason(at: now) ?? obstacle }
}
