internal import AMQP
internal import Console

/// How a candidate becomes the leader, and remains it.
extension Candidate {
  /// Publishes a state: a claim, or a renewal.
  mutating func publishState(now: ContinuousClock.Instant) -> [Action] {
    let epoch: Int64
    let wait: Duration
    switch tenure {
    case .leading(let own):
      (epoch, wait) = (own, plan.lease)
    case .stopping(let stopping):
      (epoch, wait) = (stopping.epoch, plan.lease)
    case .none, .releasing:
      epoch = ownClaim()
      // A successor has to wait for those that this candidate waits for.
      wait = max(plan.lease, predecessors.end(now: now).map { now.duration(to: $0) } ?? .zero)
    }
    return publish(.init(id: nextID(), name: name, epoch: epoch, wait: wait), now: now)
  }

  mutating func publish(_ state: ElectionMessage.State, now: ContinuousClock.Instant) -> [Action] {
    membership?.attempt = .init(state: state, sentAt: now)
    return [.publish(.state(state))]
  }

  /// The epoch of the claim, which is greater than every epoch that is known.
  private mutating func ownClaim() -> Int64 {
    if let claim, claim > predecessors.greatestEpoch { return claim }
    let epoch = max(predecessors.greatestEpoch, lastEpoch) + 1
    (claim, lastEpoch) = (epoch, epoch)
    return epoch
  }

  mutating func received(
    _ state: ElectionMessage.State, _ tag: UInt64, now: ContinuousClock.Instant
  ) -> [Action] {
    guard state.id.candidate == identity else { return receivedOther(state, now: now) }
    guard membership?.attempt?.state.id == state.id else { return [] }
    membership?.attempt?.deliveryTag = tag
    return proveIfPossible(now: now)
  }

  mutating func confirmed(_ id: ElectionMessage.ID, now: ContinuousClock.Instant) -> [Action] {
    guard let membership, membership.attempt?.state.id == id else { return [] }
    self.membership?.attempt?.isConfirmed = true
    // The state of a standby goes to the active candidate.
    if case .releasing(let end, _) = tenure, !membership.isActive { return finish(end) }
    return proveIfPossible(now: now)
  }

  private mutating func receivedOther(_ state: ElectionMessage.State, now: ContinuousClock.Instant) -> [Action] {
    predecessors.received(state, now: now)
    switch tenure {
    case .leading(let epoch) where state.epoch >= epoch:
      return stop(.superseded(Leader(name: state.name, epoch: state.epoch)), now: now)
    case .none where membership?.isActive == true && predecessors.end(now: now) == nil: membership?.next = now
    case .none, .leading, .stopping, .releasing: break
    }
    return []
  }

  private mutating func proveIfPossible(now: ContinuousClock.Instant) -> [Action] {
    guard let attempt = membership?.attempt, attempt.isConfirmed, let tag = attempt.deliveryTag else { return [] }
    membership?.attempt = nil
    let settled = stands(attempt, now: now) ? settle(before: tag) : []
    return settled + proven(attempt, now: now)
  }

  /// Whether a successor that knows this state need not know those before it: it has the greatest epoch, and whoever has to be
  /// waited for has been waited for then. A state that has come meanwhile may say otherwise.
  private func stands(_ attempt: Membership.Attempt, now: ContinuousClock.Instant) -> Bool {
    guard attempt.state.epoch >= predecessors.greatestEpoch else { return false }
    // A leader has waited for all of them.
    guard case .none = tenure, let end = predecessors.end(now: now) else { return true }
    return attempt.sentAt + attempt.state.wait >= end
  }

  /// Settles the states before the proven one.
  private mutating func settle(before tag: UInt64) -> [Action] {
    let settled = membership?.held.filter { $0 < tag } ?? []
    membership?.held.removeAll { $0 < tag }
    return settled.map { .ack(deliveryTag: $0) }
  }

  private mutating func proven(_ attempt: Membership.Attempt, now: ContinuousClock.Instant) -> [Action] {
    let renewal = max(now, attempt.sentAt + plan.period)
    membership?.next = renewal
    switch tenure {
    case .leading: return renewed(attempt)
    case .stopping(let stopping): return stopping.isSuperseded ? [] : renewed(attempt)
    case .releasing(let end, _): return finish(end)
    case .none: return claimProven(attempt, now: now)
    }
  }

  private mutating func renewed(_ attempt: Membership.Attempt) -> [Action] {
    renewedAt = attempt.sentAt
    return [.extend(limit: plan.kill(attempt.sentAt))]
  }

  private mutating func claimProven(_ attempt: Membership.Attempt, now: ContinuousClock.Instant) -> [Action] {
    let epoch = attempt.state.epoch
    // A renewal of an earlier leadership does not count, and neither does one that was on its way for too long.
    guard
      epoch == claim, epoch > predecessors.greatestEpoch, stands(attempt, now: now), now < plan.stop(attempt.sentAt)
    else {
      membership?.next = now
      return []
    }
    guard let end = predecessors.end(now: now) else { return begin(attempt, now: now) }
    let isFirst = announcedWait != end
    announcedWait = end
    let renewal = attempt.sentAt + plan.period
    membership?.next = min(end, renewal)
    return isFirst ? [.log(waiting(until: end, now: now))] : []
  }

  private func waiting(until end: ContinuousClock.Instant, now: ContinuousClock.Instant) -> LogEntry {
    let time = "\(Int((now.duration(to: end) / .seconds(1)).rounded(.up)))s"
    guard let leader = predecessors.last(now: now) else {
      return LogEntry(
        .notice, "the election's queue knows of no leader: waiting \(time), in case there is one all the same")
    }
    return LogEntry(
      .notice, "'\(leader.name)' has not let go of epoch \(leader.epoch): waiting \(time), until its lease has ended")
  }

  private mutating func begin(_ attempt: Membership.Attempt, now: ContinuousClock.Instant) -> [Action] {
    let epoch = attempt.state.epoch
    predecessors.forget(now: now)
    tenure = .leading(epoch: epoch)
    (renewedAt, claim, announced) = (attempt.sentAt, nil, nil)
    let entry = LogEntry(.notice, "leading, epoch \(epoch)", ["epoch": .integer(Int(epoch))])
    return [.log(entry), .begin(epoch: epoch, limit: plan.kill(attempt.sentAt))] + tellAskers(now: now)
  }
}
