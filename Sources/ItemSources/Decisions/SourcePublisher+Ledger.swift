internal import AMQP
internal import Console

/// How the ledger is read, and written anew.
extension SourcePublisher {
  /// Reads everything that is in the ledger's queue before a mark. The queue has a single active consumer: whoever had it before has
  /// lost it, and all that was not acked is in the queue again.
  mutating func beginReading(now: ContinuousClock.Instant) -> [Action] {
    let mark = ByteString(String(UInt64.random(in: .min ... .max), radix: 16))
    stage = .reading(LedgerReading(), mark: mark)
    patienceEnd = now + Self.readingPatience
    return [.publish(.mark(mark))]
  }

  mutating func delivered(_ message: LedgerMessage?, _ tag: UInt64, now: ContinuousClock.Instant) -> [Action] {
    // Parts of the snapshot come back until the consumer has ended.
    guard case .reading(var reading, let mark) = stage else { return [] }
    // No copy of the reading may be left, or each change would copy all of it.
    stage = .parted
    patienceEnd = nil
    switch message {
    case .mark(mark): return read(reading, tag)
    case .record(let record): reading.take(record)
    case .mark, nil: reading.takeUseless()
    }
    stage = .reading(reading, mark: mark)
    return []
  }

  private mutating func read(_ reading: LedgerReading, _ tag: UInt64) -> [Action] {
    var ledger = Ledger(reading, after: position)
    // Somebody may have deleted the queue, but this process still knows.
    if let known = self.ledger?.names { unrecorded += known.subtracting(ledger.names) }
    defer { self.ledger = ledger }
    let known = "\(ledger.names.count.counted("name")) in \(reading.recordCount.counted("record"))"
    let log = Action.log(LogEntry(.info, "the ledger, queue '\(settings.ledger)', has \(known)"))
    guard !ledger.isCompact else {
      stage = .releasing
      return [log, .ack(deliveryTag: tag, multiple: false), .release]
    }
    let parts = ledger.snapshot()
    stage = .rewriting(parts[...], Rewriting(count: parts.count, deliveryTag: tag))
    return [log] + publishPart()
  }

  mutating func publishPart() -> [Action] {
    guard case .rewriting(var parts, var rewriting) = stage, let part = parts.popFirst() else { return [] }
    rewriting.openCount += 1
    stage = .rewriting(parts, rewriting)
    return [.publish(.record(part))]
  }

  mutating func partConfirmed() -> [Action] {
    guard case .rewriting(let parts, var rewriting) = stage else { return [] }
    rewriting.openCount -= 1
    stage = .rewriting(parts, rewriting)
    guard parts.isEmpty, rewriting.openCount == 0 else { return [] }
    ledger?.compacted(rewriting.count)
    stage = .releasing
    return [.ack(deliveryTag: rewriting.deliveryTag, multiple: true), .release]
  }

  /// The ledger is known, and nobody holds anything of it. What is in the queue, and not in the ledger, is recorded first.
  mutating func released(now: ContinuousClock.Instant) -> [Action] {
    guard case .releasing = stage else { return [] }
    return recover(now: now)
  }

  mutating func recover(now: ContinuousClock.Instant) -> [Action] {
    let missing = unrecorded.filter { ledger?.names.contains($0) != true }.recordSized
    unrecorded = Array(missing.dropFirst().joined())
    guard let names = missing.first, let record = ledger?.record(added: names) else {
      return rest(until: restEnd ?? now, now: now)
    }
    stage = .recovering(record)
    return [.publish(.record(record))]
  }
}
