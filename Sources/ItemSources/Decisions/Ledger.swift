internal import AMQP

/// The names that were published and are still in the source, and how many records say so.
struct Ledger: Sendable {
  /// How many more records than twice the necessary number there may be.
  private static let slack = 16

  private(set) var names: Set<ByteString>
  private var nameSize: Int
  private var recordCount: Int
  private var isUseful: Bool
  /// The position of the last record that was made.
  private(set) var last: LedgerRecord.Position

  /// Positions continue after `position`, the last one of this publisher, and after all that were read. Those may be of a greater
  /// epoch if somebody has deleted the election's queue.
  init(_ reading: LedgerReading, after position: LedgerRecord.Position) {
    names = reading.names
    nameSize = names.recordedSize
    recordCount = reading.recordCount
    isUseful = reading.uselessCount == 0
    last = position
    if let read = reading.last, read > position {
      last = read.epoch > position.epoch ? .init(epoch: read.epoch + 1, number: 0) : read
    }
  }

  // MARK: Records

  mutating func record(added: [ByteString] = [], removed: [ByteString] = []) -> LedgerRecord {
    last.number += 1
    return LedgerRecord(position: last, added: added, removed: removed)
  }

  /// The record is in the queue.
  mutating func apply(_ record: LedgerRecord) {
    recordCount += 1
    for name in record.added where names.insert(name).inserted { nameSize += name.recordedSize }
    for name in record.removed where names.remove(name) != nil { nameSize -= name.recordedSize }
  }

  // MARK: Snapshots

  /// Whether there are about as many records as it takes.
  var isCompact: Bool { isUseful && recordCount <= 2 * (nameSize / LedgerRecord.maxSize + 1) + Self.slack }

  /// The records that replace all others. It has one even if there is no name.
  mutating func snapshot() -> [LedgerRecord] {
    let pieces = names.isEmpty ? [[]] : Array(names).recordSized
    let numbers = LedgerRecord.Snapshot(first: last.number + 1, last: last.number + Int64(pieces.count))
    return pieces.map { piece in
      var part = record(added: piece)
      part.snapshot = numbers
      return part
    }
  }

  /// The snapshot is in the queue, and the records before it are not any more.
  mutating func compacted(_ count: Int) { (recordCount, isUseful) = (count, true) }
}
