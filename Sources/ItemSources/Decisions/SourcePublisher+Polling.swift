internal import AMQP
internal import Console

/// How a source is polled, and its items are published.
extension SourcePublisher {
  mutating func listed(_ list: SourceList, now: ContinuousClock.Instant) -> [Action] {
    isSourceBusy = false
    guard case .listing(let since) = stage else { return [] }
    switch list.limited {
    case .unreachable where settings.isOnce && firstLook.map { now < $0 + Self.startLimit } == true:
      return rest(until: now + Self.startPeriod, now: now)
    case .unreachable(let reason), .failed(let reason):
      let log = complaints.listed(reason).map { Action.log($0) }
      guard !settings.isOnce else { return [.finish(.failed(.inputOutputError, cannotRead(reason)))] }
      return log + rest(until: max(now, since + settings.period), now: now)
    case .names(let names, let flaw):
      let log = complaints.listed(nil) + complaints.flawed(flaw)
      let plan = PollPlan(names, published: ledger?.names ?? [], late: late, refused: refused.names)
      if !refused.names.isEmpty { refused.names.formIntersection(names) }
      if !late.isEmpty { late.formIntersection(names) }
      stage = .polling(
        Poll(plan, startedAt: since, isLast: settings.isOnce, isCareful: refused.isSought), recording: nil)
      return log.map { .log($0) } + send(now: now)
    }
  }

  private func cannotRead(_ reason: String) -> LogMessage { "the source \(settings.source) cannot be read: \(reason)" }

  mutating func fetched(_ name: ByteString, _ item: FetchedItem) -> [Action] {
    isSourceBusy = false
    guard case .polling(var poll, let recording) = stage else { return [] }
    poll.fetched(name, item)
    stage = .polling(poll, recording: recording)
    return []
  }

  /// Does what is next, once there is room for it.
  mutating func send(now: ContinuousClock.Instant) -> [Action] {
    if case .rewriting = stage { return publishPart() }
    guard case .polling(var poll, nil) = stage else { return [] }
    stage = .parted
    let step = poll.next(now: now)
    stage = .polling(poll, recording: nil)
    switch step {
    case .wait: return []
    case .fetch(let name):
      isSourceBusy = true
      return [.fetch(name)]
    case .publish(let name, let body): return [.publishItem(name, body)]
    case .record(let added, let removed):
      guard let record = ledger?.record(added: added, removed: removed) else { return [] }
      stage = .polling(poll, recording: record)
      return [.publish(.record(record))]
    case .end: return ended(poll, now: now)
    }
  }

  mutating func settled(_ sent: Sent, isConfirmed: Bool, now: ContinuousClock.Instant) -> [Action] {
    switch sent {
    case .mark, .record:
      guard isConfirmed else {
        let line: LogMessage = "the ledger, queue '\(settings.ledger)', takes no record: the broker rejected it"
        return [.finish(.failed(.temporaryFailure, line))]
      }
      return sent == .mark ? [] : recordConfirmed(now: now)
    case .item(let name):
      guard case .polling(var poll, let recording) = stage else { return [] }
      stage = .parted
      poll.settled(name, isConfirmed: isConfirmed)
      stage = .polling(poll, recording: recording)
      return send(now: now)
    }
  }

  private mutating func recordConfirmed(now: ContinuousClock.Instant) -> [Action] {
    switch stage {
    case .polling(var poll, let record?):
      stage = .parted
      ledger?.apply(record)
      poll.recorded()
      stage = .polling(poll, recording: nil)
      return send(now: now)
    case .recovering(let record):
      ledger?.apply(record)
      if let stop, unrecorded.isEmpty { return [.finish(.stopped(stop.signal))] }
      return recover(now: now)
    case .rewriting: return partConfirmed()
    case .parted, .reading, .releasing, .resting, .listing, .polling: return []
    }
  }

  // MARK: The end of a poll

  private mutating func ended(_ poll: Poll, now: ContinuousClock.Instant) -> [Action] {
    if let stop { return [.finish(.stopped(stop.signal))] }
    late = late.union(poll.failures.map(\.name)).subtracting(ledger?.names ?? [])
    var log = complaints.polled(poll.failures, sourceFailure: poll.sourceFailure)
    if poll.isRejected { log.append(LogEntry(.warning, "\(rejection); trying again")) }
    if poll.addedCount + poll.removedCount > 0 {
      let removed =
        poll.removedCount == 0 ? "" : "; \(poll.removedCount.counted("name", "has", "have")) left the source"
      log.append(
        LogEntry(
          .info, "\(poll.addedCount.counted("item")) published\(removed)",
          ["items": .integer(poll.addedCount), "removed": .integer(poll.removedCount)]))
    }
    let actions = log.map { Action.log($0) }
    guard settings.isOnce else { return actions + rest(until: max(now, poll.startedAt + settings.period), now: now) }
    if poll.growingCount > 0, !hasLookedTwice {
      hasLookedTwice = true
      return actions + rest(until: now + Self.growthPeriod, now: now)
    }
    return log.filter { $0.level < .warning }.map { .log($0) } + [.finish(end(poll))]
  }

  private var rejection: LogMessage { "the broker rejects items, as it does when a queue is full" }

  private func end(_ poll: Poll) -> SourceEnd {
    if poll.isRejected { return .failed(.temporaryFailure, rejection) }
    if let reason = poll.sourceFailure { return .failed(.inputOutputError, cannotRead(reason)) }
    if let failure = Complaints.describe(poll.failures, of: settings.source) {
      return .failed(.inputOutputError, failure)
    }
    return refused.line.map { .failed(.refusedData, $0) } ?? .done
  }

  /// Waits for the next poll, unless the ledger is to be written anew before.
  mutating func rest(until time: ContinuousClock.Instant, now: ContinuousClock.Instant) -> [Action] {
    guard ledger?.isCompact == false else {
      (stage, restEnd) = (.resting(until: time), nil)
      return []
    }
    if let ledger { position = ledger.last }
    restEnd = time
    return [.consume] + beginReading(now: now)
  }
}
