internal import AMQP
internal import Broker
internal import Console

/// Batches: slots that stand side by side share one worker, which gets their items at once. Each of these items is taken and
/// settled by itself. The worker is known by the first slot of its group. Without batches, each slot is a group of its own.
extension Runner {
  private var groupSize: Int { options.worker.batch?.size ?? 1 }

  /// The first slot of each group.
  var groups: StrideTo<Int> { stride(from: 0, to: slots.count, by: groupSize) }

  /// The worker that gets the slot's item.
  func worker(of slot: Int) -> Int { slot / groupSize * groupSize }

  func group(of worker: Int) -> Range<Int> { worker..<min(worker + groupSize, slots.count) }

  /// The slots with the items that the worker got.
  func members(of worker: Int) -> [Int] { group(of: worker).filter { slots[$0].hasWorker } }

  /// All workers.
  var workers: [Int] { groups.filter { !members(of: $0).isEmpty } }

  // MARK: Collecting

  mutating func collect(_ item: WorkItem, for batch: JobOptions.Batch, in index: Int) -> [RunnerAction] {
    let worker = worker(of: index)
    let isFirst = firstArrival(for: worker) == nil
    slots[index].handle(.collect(item, at: now))
    return isFirst ? [.set(.batchWait(slot: worker), after: batch.wait)] : []
  }

  private func firstArrival(for worker: Int) -> ContinuousClock.Instant? {
    group(of: worker).compactMap { slots[$0].collected?.arrival }.min()
  }

  /// The batch has waited for long enough.
  private func isClosed(_ worker: Int) -> Bool {
    guard let batch = options.worker.batch, let first = firstArrival(for: worker) else { return false }
    return now >= first + batch.wait
  }

  /// The slot's batch begins as soon as no more items can come.
  func isBatchClosing(with index: Int) -> Bool { !isStopping && isClosed(worker(of: index)) }

  /// An end that is kept until more is known of the queue is still to come.
  private func isRunning(_ worker: Int) -> Bool {
    members(of: worker).contains { slots[$0].isWorkerRunning || deferred.hasWorkerEnds }
  }

  /// An item that comes to the slot now can be run at once, or with the batch that is being collected.
  func mayTake(_ index: Int) -> Bool {
    guard options.worker.batch != nil else { return true }
    let worker = worker(of: index)
    return !isRunning(worker) && !isClosed(worker)
  }

  // MARK: Starting

  /// Starts a worker on each batch that is complete, or that has waited for long enough.
  mutating func startBatches() -> [RunnerAction] {
    guard options.worker.batch != nil, isServing, !isStopping else { return [] }
    return groups.flatMap { startBatch(for: $0) }
  }

  private mutating func startBatch(for worker: Int) -> [RunnerAction] {
    let group = group(of: worker)
    guard group.contains(where: { slots[$0].collected != nil }), !isRunning(worker) else { return [] }
    let isClosed = isClosed(worker)
    // The broker's answer to the cancel shows that no more items come. One that comes before it still belongs to the batch.
    let withdrawn = isClosed ? group.filter { slots[$0].state == .consuming }.flatMap { withdraw($0) } : []
    let mayGrow = group.contains { index in
      slots[index].state.isOne(of: .consuming, .cancelling) || !isClosed && slots[index].isCopying
    }
    guard mayGrow else { return start(worker) }
    return withdrawn.isEmpty ? [] : [.send(withdrawn)]
  }

  private mutating func start(_ worker: Int) -> [RunnerAction] {
    let collected = group(of: worker).compactMap { index in
      slots[index].collected.map { (item: BatchItem(item: $0.item, slot: index), arrival: $0.arrival) }
    }
    let items = collected.sorted { ($0.arrival, $0.item.slot) < ($1.arrival, $1.item.slot) }.map(\.item)
    for each in items { start(each.item, in: each.slot) }
    return [.cancel(.batchWait(slot: worker)), .startBatch(items, slot: worker)] + workerLimit(in: worker)
  }
}

extension Runner {
  /// The broker has closed the channel of a batch, and has taken back what was collected. Those slots come first, since no copy of
  /// their items must be published any more.
  mutating func channelClosed(_ reason: CloseReason, in group: [Int]) -> [RunnerAction] {
    let (collected, others) = (group.filter { slots[$0].collected != nil }, group.filter { slots[$0].collected == nil })
    let warning: [RunnerAction] =
      collected.isEmpty
      ? []
      : [
        said(
          .warning,
          "the broker took back \(collected.count.counted("item")) of \(queueLabel) that waited for their batch: \(reason.text)"
            + "\(naming: .batchWait)")
      ]
    let released = collected.flatMap { channelClosed(reason, in: $0) }
    // However many copies were lost with it, that is one loss.
    let lost = copiesLost(in: others)
    return warning + released + lost + others.flatMap { channelClosed(reason, in: $0) }
  }
}

/// An item of a batch. Its body is that of the slot.
package struct BatchItem: Hashable, Sendable {
  package var item: WorkItem
  package var slot: Int
}
