internal import AMQP
internal import Console
internal import Linux

extension WorkItem {
  /// The item can be recognised when it comes back.
  var isRecognisable: Bool { properties.messageID?.isEmpty == false && digest != nil }

  /// The item that has come back, with the attempt at what it was before.
  func again(after item: WorkItem) -> WorkItem {
    var again = self
    again.span = item.span
    return again
  }

  /// Whether this is `item` again, and not another item with the same message id.
  func isReturn(of item: WorkItem) -> Bool {
    envelope.isRedelivered && item.isRecognisable && properties.messageID == item.properties.messageID
      && digest == item.digest
  }
}

/// `--on-disconnect finish`: workers may finish after the connection is lost, and their items are acked when they come back.
extension Runner {

  /// A worker has ended whose item the broker has already requeued.
  mutating func orphanEnded(
    _ ended: EndedJob, in index: Int
  ) -> [RunnerAction] {
    slots[index].handle(.workerEnded(isStopping: isStopping))
    let release = RunnerAction.releaseBody(slot: index)
    if let (holder, item) = holder(for: index) {
      var again = ended
      again.item = item.again(after: ended.item)
      return [release] + settle(again, in: holder, by: policy.decision(of: again)) + resume()
    }
    guard ended.outcome == .done else {
      tally.count(ended.outcome)
      return [release] + record(ended, as: .requeuedByBroker(why: Self.lostConnection)) + resume()
    }
    returning.add(ended)
    guard ended.item.isRecognisable else {
      return [release] + notReturned(why: "it has no message id to be recognised by")
    }
    return [release] + awaitReturns() + resume()
  }

  /// The slot to which the item of the worker in slot `index` has come back.
  private func holder(for index: Int) -> (slot: Int, item: WorkItem)? {
    for holder in slots.indices {
      if case .holding(let item, for: index) = slots[holder].state { return (holder, item) }
    }
    return nil
  }

  func awaitReturns() -> [RunnerAction] {
    returning.isEmpty ? [] : [.set(.finishWindow, after: options.worker.finishWindow)]
  }

  /// Acks an item that is already done, and holds one whose worker still runs. Returns nil for any other item that may be run.
  mutating func takeReturned(
    _ item: WorkItem, in index: Int
  ) -> [RunnerAction]? {
    // Two identical items wait for a worker each.
    if let worker = slots.indices.first(where: { slots[$0].isOrphaned(from: item) && holder(for: $0) == nil }) {
      slots[index].handle(.hold(item, for: worker))
      return []
    }
    if let done = returning.take(returned: item) {
      let ended = EndedJob(
        item: item.again(after: done.item), outcome: .done, what: "done before the connection was lost",
        status: done.status, startedAt: now - done.duration, duration: done.duration)
      return (returning.isEmpty ? [.cancel(.finishWindow)] : [])
        + settle(ended, in: index, by: .acknowledge)
    }
    guard tally.taken >= options.maxItems else { return nil }
    // The slot waits only for an item that is done. That another item comes shows that somebody else has that one.
    return giveBackUnrun(item, in: index) + notReturned(why: "another item came in its place")
  }

  mutating func finishWindowEnded() -> [RunnerAction] {
    guard !returning.isEmpty else { return [] }
    return notReturned(why: "it did not come back in \(options.worker.finishWindow.text)\(naming: .finishWindow)")
  }

  /// The items that were done will be run again elsewhere.
  mutating func notReturned(why: LogMessage) -> [RunnerAction] {
    let what = returning.count > 1 ? "\(returning.count) items of \(queueLabel) are" : "an item of \(queueLabel) is"
    let records = returning.giveUp().flatMap { record($0, as: .unsettled(why: Self.lostConnection)) }
    return records
      + breakOff(.temporaryFailure, "\(what) done, but may be run again: the connection was lost, and \(why)")
  }

}

extension Slot {
  fileprivate func isOrphaned(from item: WorkItem) -> Bool {
    if case .orphaned(let job) = state { item.isReturn(of: job.item) } else { false }
  }
}
