/// What a candidate can say of the leader.
package enum Standing: Hashable, Sendable {
  /// This holds until `end`, if nothing else is heard before.
  case leader(Leader, isSelf: Bool, end: ContinuousClock.Instant)
  case unknown(Reason)

  package enum Reason: String, Hashable, Sendable {
    case notJoined = "this candidate has no connection to the broker"
    case nobodyKnown = "no candidate is known to lead"
    case lettingGo = "this candidate is letting go"
    case unproven = "the leader's lease has not been proven in time"
  }

  /// The same at a later time.
  package func at(_ now: ContinuousClock.Instant) -> Standing {
    if case .leader(_, _, let end) = self, end <= now { .unknown(.unproven) } else { self }
  }
}

extension Candidate {
  /// A leader says so of itself only until it has to stop its work. What a standby was told is not told by one without a
  /// connection, since it would not hear of a successor.
  package var standing: Standing {
    switch tenure {
    case .leading(let epoch):
      renewedAt.map { .leader(Leader(name: name, epoch: epoch), isSelf: true, end: plan.stop($0)) }
        ?? .unknown(.unproven)
    case .none where membership == nil: .unknown(.notJoined)
    case .none:
      knowledge.latest.map { .leader($0.leader, isSelf: false, end: $0.end) } ?? .unknown(.nobodyKnown)
    case .stopping, .releasing: .unknown(.lettingGo)
    }
  }
}
