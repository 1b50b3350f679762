internal import AMQP

/// Makes the ledger of its records, which may come in any order: some may be returned ones, and some may be of a snapshot that
/// somebody began and did not complete. The memory that it takes depends on the number of names, not of records.
struct LedgerReading: Sendable {
  private struct Fact: Sendable {
    var position: LedgerRecord.Position
    var isThere: Bool
  }

  private struct SnapshotID: Hashable, Sendable {
    var epoch: Int64
    var numbers: LedgerRecord.Snapshot
  }

  private var facts: [ByteString: Fact] = [:]
  private var parts: [SnapshotID: Set<Int64>] = [:]
  private(set) var recordCount = 0
  /// How many messages are of no use: marks of others, and what is no message of ours.
  private(set) var uselessCount = 0
  /// The greatest position of all records.
  private(set) var last: LedgerRecord.Position?

  mutating func take(_ record: LedgerRecord) {
    recordCount += 1
    last = max(last ?? record.position, record.position)
    if let snapshot = record.snapshot {
      parts[SnapshotID(epoch: record.position.epoch, numbers: snapshot), default: []].insert(record.position.number)
    }
    for name in record.added { learn(name, Fact(position: record.position, isThere: true)) }
    for name in record.removed { learn(name, Fact(position: record.position, isThere: false)) }
  }

  mutating func takeUseless() { uselessCount += 1 }

  private mutating func learn(_ name: ByteString, _ fact: Fact) {
    if let known = facts[name], known.position > fact.position { return }
    facts[name] = fact
  }

  /// The names that were published and have not left the source since.
  var names: Set<ByteString> {
    let start = start
    var names: Set<ByteString> = []
    for (name, fact) in facts where fact.isThere && fact.position >= start ?? fact.position { names.insert(name) }
    return names
  }

  /// Where the last complete snapshot begins.
  private var start: LedgerRecord.Position? {
    parts.filter { id, numbers in
      let count = id.numbers.last - id.numbers.first + 1
      return Int64(numbers.count) == count && numbers.allSatisfy { id.numbers.first...id.numbers.last ~= $0 }
    }.keys.map { LedgerRecord.Position(epoch: $0.epoch, number: $0.numbers.first) }.max()
  }
}
