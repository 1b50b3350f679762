import AMQP
import Testing

@testable import ItemSources

@Suite struct LedgerTests {
  private func record(
    _ epoch: Int64, _ number: Int64, added: [ByteString] = [], removed: [ByteString] = [],
    snapshot: ClosedRange<Int64>? = nil
  ) -> LedgerRecord {
    LedgerRecord(
      position: .init(epoch: epoch, number: number),
      snapshot: snapshot.map { .init(first: $0.lowerBound, last: $0.upperBound) }, added: added, removed: removed)
  }

  private func names(_ records: [LedgerRecord]) -> Set<ByteString> {
    var reading = LedgerReading()
    for record in records { reading.take(record) }
    return reading.names
  }

  @Test func theOrderOfDeliveryDoesNotMatter() {
    let records = [
      record(1, 1, added: ["a", "b"]), record(1, 2, removed: ["a"]), record(2, 1, added: ["a"]),
      record(2, 2, removed: ["b"]),
    ]
    #expect(names(records) == ["a"])
    #expect(names(records.reversed()) == ["a"])
  }

  @Test func onlyACompleteSnapshotReplacesWhatWasBefore() {
    let before = [record(1, 1, added: ["a", "b"]), record(1, 2, removed: ["b"])]
    let parts = [record(2, 1, added: ["c"], snapshot: 1...2), record(2, 2, added: ["d"], snapshot: 1...2)]
    #expect(names(before + parts) == ["c", "d"])
    #expect(names(parts + before) == ["c", "d"])
    #expect(names(before + [parts[0]]) == ["a", "c"])
    // The record of a removal was acked before the record of the addition.
    #expect(names([before[0]] + parts) == ["c", "d"])
    #expect(names(parts + [record(2, 3, removed: ["c"])]) == ["d"])
  }

  @Test func aSnapshotOfNothing() {
    #expect(names([record(1, 1, added: ["a"]), record(2, 1, snapshot: 1...1)]).isEmpty)
  }

  @Test func positionsContinueAfterAllThatWasRead() {
    var reading = LedgerReading()
    reading.take(record(7, 3, added: ["a"]))
    var ledger = Ledger(reading, after: .init(epoch: 8, number: 0))
    #expect(ledger.record(added: ["b"]).position == .init(epoch: 8, number: 1))
    ledger = Ledger(reading, after: .init(epoch: 2, number: 0))
    #expect(ledger.record(added: ["b"]).position == .init(epoch: 8, number: 1))
    ledger = Ledger(reading, after: .init(epoch: 7, number: 1))
    #expect(ledger.record(added: ["b"]).position == .init(epoch: 7, number: 4))
  }

  @Test func aLedgerWithManyRecordsIsNotCompact() {
    var ledger = Ledger(LedgerReading(), after: .init(epoch: 1, number: 0))
    for number in 0..<18 { ledger.apply(ledger.record(added: ["\(number)"].map { ByteString($0) })) }
    #expect(ledger.isCompact)
    ledger.apply(ledger.record(added: ["more"]))
    #expect(!ledger.isCompact)
    let parts = ledger.snapshot()
    #expect(parts.count == 1 && Set(parts[0].added).count == 19)
    ledger.compacted(parts.count)
    #expect(ledger.isCompact)
  }

  @Test func uselessMessagesAreReasonToWriteItAnew() {
    var reading = LedgerReading()
    reading.takeUseless()
    #expect(!Ledger(reading, after: .init(epoch: 1, number: 0)).isCompact)
  }

  @Test func aSnapshotIsInPieces() {
    var reading = LedgerReading()
    let names = (0..<1000).map { ByteString("\($0)-" + String(repeating: "n", count: 240)) }
    reading.take(record(1, 1, added: names))
    var ledger = Ledger(reading, after: .init(epoch: 2, number: 0))
    let parts = ledger.snapshot()
    #expect(parts.count == 4)
    #expect(parts.allSatisfy { LedgerMessage.record($0).body.count <= LedgerRecord.maxSize })
    #expect(self.names(parts) == Set(names))
  }

  @Test(arguments: [
    LedgerMessage.mark("abc"),
    .record(
      LedgerRecord(position: .init(epoch: 3, number: 4), added: ["a", "+b", "new\nline"], removed: ["-c", "ü"])),
    .record(LedgerRecord(position: .init(epoch: 0, number: 1), snapshot: .init(first: 1, last: 9))),
  ])
  func messagesAreReadAsTheyWereWritten(message: LedgerMessage) {
    #expect(LedgerMessage(message.properties, body: message.body) == message)
  }

  @Test func whatIsNoMessageOfOurs() {
    var properties = LedgerMessage.record(LedgerRecord(position: .init(epoch: 1, number: 1))).properties
    #expect(LedgerMessage(properties, body: Array("?a\0".utf8)) == nil)
    properties.headers = nil
    #expect(LedgerMessage(properties, body: []) == nil)
    #expect(LedgerMessage(BasicProperties(), body: []) == nil)
  }

  @Test("A record that anybody has made up does no harm, whatever its numbers are")
  func extremeNumbers() throws {
    for (number, first, last) in [(Int64.max - 1, Int64(0), Int64(0)), (1, .min, .max), (1, -1, .max), (1, 0, .max)] {
      var record = LedgerRecord(position: .init(epoch: 1, number: number), added: ["a"])
      record.snapshot = .init(first: first, last: last)
      let message = LedgerMessage.record(record)
      var reading = LedgerReading()
      if case .record(let record)? = LedgerMessage(message.properties, body: message.body) { reading.take(record) }
      var ledger = Ledger(reading, after: .init(epoch: 1, number: 1))
      let next = ledger.record(added: ["b"])
      #expect(ledger.record(added: ["c"]).position > next.position)
    }
  }
}
