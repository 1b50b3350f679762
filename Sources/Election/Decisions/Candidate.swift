package import AMQP
package import Console
package import Linux

/// A candidate's decisions: events go in, and actions come out. The time is passed in, and nothing here waits.
///
/// The election's queue has a single active consumer. The active candidate holds, unsettled, its latest state: its name, its
/// epoch, and how long a successor has to wait. A state counts only when it is *proven*: confirmed, and delivered back to the
/// candidate that published it. So whoever becomes active later gets it. `Lead.md` in the documentation says why no two
/// candidates lead at once.
package struct Candidate: Sendable {
  package enum Event: Sendable {
    /// There is a connection, with consumers on the election's queue and on `replyTo`.
    case joined(replyTo: ByteString)
    /// The connection is of no use any more.
    case parted
    case received(ElectionMessage, deliveryTag: UInt64)
    /// A message that makes no sense has come.
    case receivedOther(deliveryTag: UInt64)
    case confirmed(ElectionMessage.ID)
    case workEnded(WorkEnd)
    case signal(Signal)
    /// It cannot go on.
    case failed(ExitStatus, LogMessage)
    /// `deadline` has been reached.
    case due
  }

  package enum WorkEnd: Sendable {
    case ended(ProcessStatus)
    case notBegun(ExitStatus, LogMessage)
    /// It was stopped, and has no status.
    case stopped
  }

  package enum Action: Hashable, Sendable {
    case publish(ElectionMessage)
    case ack(deliveryTag: UInt64)
    /// Begin the work. Nothing of it may run at `limit` any more.
    case begin(epoch: Int64, limit: ContinuousClock.Instant)
    /// The limit of the work is now this.
    case extend(limit: ContinuousClock.Instant)
    /// Send a signal to the work. The first one also ends what shows that this candidate leads.
    case stop(Signal)
    case signal(Signal)
    case log(LogEntry)
    case finish(CandidateEnd)
  }

  let identity: ByteString
  let name: ByteString
  let plan: LeasePlan
  var membership: Membership?
  var predecessors = Predecessors()
  var tenure = Tenure.none
  /// When the last proven renewal of this leadership was sent.
  var renewedAt: ContinuousClock.Instant?
  /// The epoch that this candidate claims or has.
  var claim: Int64?
  /// The epoch of the latest claim.
  var lastEpoch: Int64 = 0
  var knowledge = Knowledge()
  var askers = Askers()
  /// Whom the log has named as the leader.
  var announced: Leader?
  /// The end of the wait that the log has told of.
  var announcedWait: ContinuousClock.Instant?
  private var lastNumber: Int64 = 0
  private var isFinished = false

  /// `identity` differs from that of any other process.
  package init(identity: ByteString, name: ByteString, plan: LeasePlan) {
    (self.identity, self.name, self.plan) = (identity, name, plan)
  }

  // MARK: Questions

  /// The latest time for the next event.
  package var deadline: ContinuousClock.Instant? {
    guard !isFinished else { return nil }
    return [tenureDeadline, renewalTime, announced == nil ? nil : knowledge.end].compactMap(\.self).min()
  }

  private var tenureDeadline: ContinuousClock.Instant? {
    switch tenure {
    case .none: nil
    case .leading: renewedAt.map(plan.stop)
    case .stopping(let stopping): stopping.isKilled ? nil : killTime(stopping)
    case .releasing(_, let limit): limit
    }
  }

  // MARK: Events

  package mutating func handle(_ event: Event, now: ContinuousClock.Instant) -> [Action] {
    guard !isFinished else { return [] }
    var actions = respond(to: event, now: now)
    if !isFinished { actions += act(now: now) }
    return actions
  }

  private mutating func respond(to event: Event, now: ContinuousClock.Instant) -> [Action] {
    switch event {
    case .joined(let replyTo): joined(replyTo, now: now)
    case .parted: parted()
    case .received(let message, let tag): received(message, tag, now: now)
    case .receivedOther(let tag):
      [
        .ack(deliveryTag: tag),
        .log(LogEntry(.warning, "a message in the queue of the election is none of ours: dropped")),
      ]
        + noticeActivity(now: now)
    case .confirmed(let id): confirmed(id, now: now)
    // What a guardian has ended at the limit, while this process was stopped, has not ended by itself.
    case .workEnded(let end): stopIfDue(now: now) + workEnded(end, now: now)
    case .signal(let signal): received(signal, now: now)
    case .failed(let status, let line): failed(status, line, now: now)
    case .due: []
    }
  }

  /// Does what is due.
  private mutating func act(now: ContinuousClock.Instant) -> [Action] {
    var actions: [Action] = []
    switch tenure {
    case .leading: actions += stopIfDue(now: now)
    case .stopping(var stopping) where !stopping.isKilled && now >= killTime(stopping):
      stopping.isKilled = true
      tenure = .stopping(stopping)
      actions.append(.stop(.kill))
    case .releasing(let end, let limit) where now >= limit: actions += finish(end)
    case .none, .stopping, .releasing: break
    }
    if !isFinished { actions += renew(now: now) + announce(now: now) }
    return actions
  }

  private mutating func stopIfDue(now: ContinuousClock.Instant) -> [Action] {
    guard case .leading = tenure, let renewedAt, now >= plan.stop(renewedAt) else { return [] }
    return stop(.unproven, now: now)
  }

  mutating func finish(_ end: CandidateEnd) -> [Action] {
    isFinished = true
    return [.finish(end)]
  }

  mutating func nextID() -> ElectionMessage.ID {
    lastNumber += 1
    return .init(candidate: identity, number: lastNumber)
  }

  /// Says who leads, once for each leader.
  private mutating func announce(now: ContinuousClock.Instant) -> [Action] {
    guard case .none = tenure else { return [] }
    let leader = knowledge.leader(now: now)
    guard leader != announced else { return [] }
    announced = leader
    guard let leader else { return [.log(LogEntry(.info, "nobody is known to lead"))] }
    return [
      .log(LogEntry(.notice, "'\(leader.name)' leads, epoch \(leader.epoch)", ["epoch": .integer(Int(leader.epoch))]))
    ]
  }
}
