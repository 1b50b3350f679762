internal import AMQP

/// A change of the ledger: names that were published, and names that have left the source.
struct LedgerRecord: Hashable, Sendable {
  /// The place in the order of all records. It decides which of two records about a name is the later one, whatever the order is in
  /// which a broker delivers them.
  struct Position: Hashable, Comparable, Sendable {
    /// Anybody can write a record. What is in this range can be counted on without an overflow.
    static let range: Range<Int64> = 0..<(1 << 62)

    var epoch: Int64
    var number: Int64

    static func < (one: Position, other: Position) -> Bool {
      (one.epoch, one.number) < (other.epoch, other.number)
    }
  }

  /// The numbers of the first and the last part of a snapshot. With all of them, no earlier record counts.
  struct Snapshot: Hashable, Sendable {
    var first: Int64
    var last: Int64
  }

  /// The maximum size of a body in bytes. A single batch of names never exceeds it by far.
  static let maxSize = 64 << 10

  var position: Position
  /// The snapshot of which this record is a part.
  var snapshot: Snapshot?
  var added: [ByteString] = []
  var removed: [ByteString] = []
}

/// What is in the ledger's queue.
enum LedgerMessage: Hashable, Sendable {
  case record(LedgerRecord)
  /// Shows its publisher that it has read everything that was there before.
  case mark(ByteString)
}

/// The form of a message on its way. The body of a record has a `+` or `-`, the name and a NUL for each name, so that people can
/// read it.
extension LedgerMessage {
  private enum Kind {
    static let record: ByteString = "amqp-job.names"
    static let mark: ByteString = "amqp-job.mark"
  }

  private enum Header {
    static let epoch: ByteString = "epoch"
    static let number: ByteString = "number"
    static let first: ByteString = "snapshot-first"
    static let last: ByteString = "snapshot-last"
  }

  private static let plus = UInt8(ascii: "+")
  private static let minus = UInt8(ascii: "-")

  var properties: BasicProperties {
    var properties = BasicProperties()
    properties.deliveryMode = 2
    switch self {
    case .mark(let id):
      properties.type = Kind.mark
      properties.messageID = id
    case .record(let record):
      properties.type = Kind.record
      var headers: FieldTable = [
        Header.epoch: .int64(record.position.epoch), Header.number: .int64(record.position.number),
      ]
      if let snapshot = record.snapshot {
        headers.append(Header.first, .int64(snapshot.first))
        headers.append(Header.last, .int64(snapshot.last))
      }
      properties.headers = headers
    }
    return properties
  }

  var body: [UInt8] {
    guard case .record(let record) = self else { return [] }
    var body: [UInt8] = []
    body.reserveCapacity(record.added.recordedSize + record.removed.recordedSize)
    for (sign, names) in [(Self.plus, record.added), (Self.minus, record.removed)] {
      for name in names {
        body.append(sign)
        body += name.bytes
        body.append(0)
      }
    }
    return body
  }

  /// nil for a message that is neither.
  init?(_ properties: BasicProperties, body: [UInt8]) {
    switch properties.type {
    case Kind.mark:
      guard let id = properties.messageID else { return nil }
      self = .mark(id)
    case Kind.record:
      guard let headers = properties.headers, let epoch = headers[Header.epoch]?.integer,
        let number = headers[Header.number]?.integer, LedgerRecord.Position.range.contains(epoch),
        LedgerRecord.Position.range.contains(number)
      else { return nil }
      var record = LedgerRecord(position: .init(epoch: epoch, number: number))
      if let first = headers[Header.first]?.integer, let last = headers[Header.last]?.integer, first <= last,
        LedgerRecord.Position.range.contains(first), LedgerRecord.Position.range.contains(last)
      {
        record.snapshot = .init(first: first, last: last)
      }
      for entry in body.split(separator: 0) {
        let name = ByteString(Array(entry.dropFirst()))
        switch entry.first {
        case Self.plus: record.added.append(name)
        case Self.minus: record.removed.append(name)
        default: return nil
        }
      }
      self = .record(record)
    default: return nil
    }
  }
}

extension ByteString {
  /// The size of this name in a record.
  var recordedSize: Int { bytes.count + 2 }
}

extension Collection<ByteString> {
  /// The size of these names in a record.
  var recordedSize: Int { reduce(0) { $0 + $1.recordedSize } }
}

extension [ByteString] {
  /// The names in pieces, each of which fits a record.
  var recordSized: [[ByteString]] {
    var pieces: [[ByteString]] = []
    var (piece, size): ([ByteString], Int) = ([], 0)
    for name in self {
      if size + name.recordedSize > LedgerRecord.maxSize {
        pieces.append(piece)
        (piece, size) = ([], 0)
      }
      piece.append(name)
      size += name.recordedSize
    }
    return piece.isEmpty ? pieces : pieces + [piece]
  }
}
