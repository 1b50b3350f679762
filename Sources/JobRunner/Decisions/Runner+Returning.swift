internal import AMQP
internal import Linux

/// An item that was done while the broker was away: the broker has given it back, perhaps to us.
struct ReturningItem: Hashable, Sendable {
  let ended: EndedJob
  let id: ByteString
  let digest: Int

  /// Whether `item` is this one again, and not another of the same name.
  func isSame(as item: WorkItem) -> Bool {
    item.envelope.isRedelivered && item.properties.messageID == id && item.digest == digest
  }
}

/// `--on-disconnect finish`: workers outlive the connection, and what they did is acked when it comes again.
extension Runner {
  mutating func workerDisconnected(_ job: Job, in index: Int) -> [RunnerAction] {
    guard options.onDisconnect == .finish else { return abandonWorker(in: index) }
    slots[index].state = .orphaned(job)
    return []
  }

  /// A worker has ended whose item the broker has given back already.
  mutating func orphanEnded(
    _ ended: EndedJob, in index: Int, now: ContinuousClock.Instant
  ) -> [RunnerAction] {
    slots[index].state = isStopping ? .closed : .shut
    let release = RunnerAction.releaseBody(slot: index)
    guard ended.outcome == .done else {
      tally.count(ended.outcome)
      return [release] + log(ended, .givenBackByBroker(why: "the connection was lost")) + resume(now: now)
    }
    guard let id = ended.item.properties.messageID, !id.isEmpty, let digest = ended.item.digest else {
      return [release] + notReturned(why: "it has no message id to be recognised by")
    }
    returning.append(ReturningItem(ended: ended, id: id, digest: digest))
    return [release] + awaitReturns() + resume(now: now)
  }

  func awaitReturns() -> [RunnerAction] {
    returning.isEmpty ? [] : [.set(.finishWindow, after: options.finishWindow)]
  }

  /// Acks an item that is done already. nil for any other item that may be run.
  mutating func takeReturned(
    _ item: WorkItem, in index: Int, now: ContinuousClock.Instant
  ) -> [RunnerAction]? {
    if let position = returning.firstIndex(where: { $0.isSame(as: item) }) {
      let done = returning.remove(at: position).ended
      let ended = EndedJob(
        item: item, outcome: .done, what: "done before the connection was lost", status: done.status,
        duration: done.duration)
      return (returning.isEmpty ? [.cancel(.finishWindow)] : [])
        + settle(ended, in: index, by: .acknowledge, now: now)
    }
    guard tally.taken >= options.mostItems else { return nil }
    // The slot waits for that one alone. What comes in its place shows that others have it.
    let move = Move(destination: .queue, attempts: item.attempt - 1)
    return begin(MovingItem(item: item, move: move, ended: nil, isUnwanted: true), in: index)
      + notReturned(why: "another item came in its place")
  }

  mutating func finishWindowEnded() -> [RunnerAction] {
    guard !returning.isEmpty else { return [] }
    return notReturned(why: "it did not come back in \(options.finishWindow.text) (--finish-window)")
  }

  /// What was done will be done again by somebody else.
  mutating func notReturned(why: String) -> [RunnerAction] {
    let what = returning.count > 1 ? "\(returning.count) items of \(place) are" : "an item of \(place) is"
    returning = []
    return breakOff(.temporaryFailure, "\(what) done, but may be run again: the connection was lost, and \(why)")
  }

  /// Workers whose item nobody will ever ask us for again.
  mutating func stopOrphans() -> [RunnerAction] {
    slots.indices.flatMap { index -> [RunnerAction] in
      if case .orphaned = slots[index].state { abandonWorker(in: index) } else { [] }
    }
  }
}
