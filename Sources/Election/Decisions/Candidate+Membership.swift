internal import AMQP
internal import Console

/// What a candidate does on one connection: it asks, and finds out whether it is the active one.
extension Candidate {
  mutating func joined(_ replyTo: ByteString, now: ContinuousClock.Instant) -> [Action] {
    let id = nextID()
    membership = Membership(replyTo: replyTo, firstNumber: id.number, next: now + plan.period)
    return ask(id, replyTo, now: now)
  }

  mutating func parted() -> [Action] {
    membership = nil
    switch tenure {
    case .none: claim = nil
    case .leading, .stopping: break
    // The broker has the state that releases, or has it not. Nothing more can be done about that.
    case .releasing(let end, _): return finish(end)
    }
    return []
  }

  mutating func received(_ message: ElectionMessage, _ tag: UInt64, now: ContinuousClock.Instant) -> [Action] {
    switch message {
    case .answer(let answer):
      knowledge.told(answer)
      if let leader = answer.leader { predecessors.heard(of: leader) }
      // A leader that has let go is followed by another one, which is to know who asks.
      if answer.leader == nil { membership?.next = now }
      return [.ack(deliveryTag: tag)]
    case .ask(let question) where question.id.candidate == identity:
      return [.ack(deliveryTag: tag)] + cameBack(question, now: now)
    case .ask(let question):
      askers.asked(question, now: now, period: plan.lease)
      return [.ack(deliveryTag: tag)] + answer(question, now: now) + noticeActivity(now: now)
    case .state(let state):
      membership?.held.append(tag)
      return received(state, tag, now: now) + noticeActivity(now: now)
    }
  }

  /// The queue delivers to this candidate, so it is the active one. A question finds out when it has got everything.
  mutating func noticeActivity(now: ContinuousClock.Instant) -> [Action] {
    guard let membership, !membership.isActive, !membership.isActivating else { return [] }
    self.membership?.isActivating = true
    return ask(nextID(), membership.replyTo, now: now)
  }

  private mutating func ask(_ id: ElectionMessage.ID, _ replyTo: ByteString, now: ContinuousClock.Instant) -> [Action] {
    knowledge.asked(id.number, now: now)
    let next = now + plan.period
    membership?.next = next
    return [.publish(.ask(.init(id: id, replyTo: replyTo, expiry: plan.lease)))]
  }

  private mutating func cameBack(_ question: ElectionMessage.Ask, now: ContinuousClock.Instant) -> [Action] {
    guard let membership, question.id.number >= membership.firstNumber, !membership.isActive else { return [] }
    self.membership?.isActive = true
    self.membership?.next = now
    // A queue without any state is new, or somebody has emptied it while a leader was at work.
    if case .none = tenure, membership.held.isEmpty {
      predecessors.assumeUnknown(until: max(now + plan.lease, knowledge.end ?? now))
    }
    knowledge.forget()
    return []
  }

  /// When the next renewal, or the next question of a standby, is to be sent.
  var renewalTime: ContinuousClock.Instant? {
    guard let membership else { return nil }
    guard membership.isActive else { return membership.next }
    guard membership.attempt == nil else { return nil }
    switch tenure {
    case .none, .leading: return membership.next
    case .stopping(let stopping): return stopping.isSuperseded ? nil : membership.next
    case .releasing: return nil
    }
  }

  mutating func renew(now: ContinuousClock.Instant) -> [Action] {
    guard let membership, let time = renewalTime, now >= time else { return [] }
    return membership.isActive ? publishState(now: now) : ask(nextID(), membership.replyTo, now: now)
  }

  // MARK: Telling who leads

  private func answer(_ question: ElectionMessage.Ask, now: ContinuousClock.Instant) -> [Action] {
    guard let (leader, left) = lease(now: now) else { return [] }
    return [.publish(.answer(.init(ask: question.id, replyTo: question.replyTo, leader: leader, left: left)))]
  }

  /// Tells everybody who has asked.
  func tellAskers(now: ContinuousClock.Instant) -> [Action] {
    let (leader, left) = lease(now: now) ?? (nil, .zero)
    return askers.answers(leader, left: left).map { .publish(.answer($0)) }
  }

  private func lease(now: ContinuousClock.Instant) -> (leader: Leader?, left: Duration)? {
    guard case .leading(let epoch) = tenure, let renewedAt else { return nil }
    return (Leader(name: name, epoch: epoch), now.duration(to: plan.end(renewedAt)))
  }
}
