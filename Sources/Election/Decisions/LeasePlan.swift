/// When a leader has to do what, counted from the moment at which it sent the renewal that was proven last.
package struct LeasePlan: Hashable, Sendable {
  package static let shortestLease: Duration = .seconds(3)
  /// A renewal is unsettled for a third of this, which is far below the shortest usual consumer timeout.
  package static let longestLease: Duration = .seconds(600)

  package let lease: Duration
  /// The time from TERM to KILL.
  package let grace: Duration

  /// Precondition: `grace` is at most `longestGrace(lease)`.
  package init(lease: Duration, grace: Duration) {
    precondition(grace <= Self.longestGrace(lease), "no renewal could come in time")
    (self.lease, self.grace) = (lease, grace)
  }

  /// With a longer grace, TERM would be due before a renewal can be late.
  package static func longestGrace(_ lease: Duration) -> Duration { lease / 2 }

  /// The time between renewals.
  package var period: Duration { lease / 3 }

  /// The time from KILL to the end of the lease: for the system to do it, and for clocks that do not run alike.
  var margin: Duration { min(.seconds(1), max(.milliseconds(200), lease / 15)) }

  /// When a leader that has sent its last proven renewal at this time begins to stop.
  func stop(_ sentAt: ContinuousClock.Instant) -> ContinuousClock.Instant { kill(sentAt) - grace }

  /// When nothing of it may run any more.
  func kill(_ sentAt: ContinuousClock.Instant) -> ContinuousClock.Instant { end(sentAt) - margin }

  /// When a successor may begin at the earliest.
  func end(_ sentAt: ContinuousClock.Instant) -> ContinuousClock.Instant { sentAt + lease }
}
