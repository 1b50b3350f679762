internal import Broker
internal import Linux

/// Starting a worker on several items.
extension EventLoop {
  func startBatch(_ items: [BatchItem], slot: Int) {
    var batch = Batch(items: [], isOfOne: runner.options.worker.batch?.size == 1)
    for each in items {
      guard let body = bodies[each.slot] else { return violated("an item came without its body") }
      batch.items.append((beginSpan(of: each.item, slot: each.slot), body))
    }
    let spooling = BatchInput.Spooling(
      directory: configuration.spoolDirectory, largestInMemory: configuration.largestBodyInMemory)
    do {
      try retryingOnShortage { try workers.start(on: batch, spooling, slot: slot) }
    } catch {
      followUps.append(publishingResult(before: .notStarted(error, slot: slot)))
    }
  }
}
