internal import Broker
internal import Linux

/// Starting a worker on several items.
extension EventLoop {
  func startBatch(_ items: [BatchItem], slot: Int) {
    var batch = Batch(items: [], isOfOne: runner.options.worker.batch?.size == 1)
    for var (item, slot) in items.map({ ($0.item, $0.slot) }) {
      guard let body = bodies[slot] else { return violated("an item came without its body") }
      item.span = configuration.listeners.beginSpan(item)
      if let span = item.span { followUps.append(.spanBegun(span, slot: slot)) }
      batch.items.append((item, body))
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
