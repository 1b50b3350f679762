import AMQP
import Broker
import Console
import Testing

@testable import JobRunner

/// Items that are too old to be run.
@Suite struct AgeTests {
  private static let target = DeadLetterTarget(exchange: "x")

  private func item(timestamp: UInt64?, replayed: UInt64? = nil, receivedAt: UInt64, attempts: Int64 = 0) -> WorkItem {
    var properties = BasicProperties()
    properties.timestamp = timestamp
    properties.headers = [ItemHeader.attempts: .int64(attempts)]
    if let replayed { properties.headers?.append(ItemHeader.replayTime, .timestamp(replayed)) }
    var item = WorkItem(envelope: RunnerDriver.envelope, properties: properties, queue: "q")
    item.receivedAt = receivedAt
    return item
  }

  @Test(
    "An item expires up to a second late, never early, and only if it has a timestamp",
    arguments: [
      (1000, nil, 1060, false), (1000, nil, 1061, true), (1000, nil, 5000, true), (1000, 4990, 5000, false),
      (1000, 4000, 5000, true), (nil, nil, 5000, false), (nil, 1000, 5000, false), (9000, nil, 5000, false),
      (9000, 1000, 5000, false), (.max, nil, 5000, false), (0, nil, 5000, true), (5000, nil, 0, false),
    ] as [(UInt64?, UInt64?, UInt64, Bool)])
  func age(timestamp: UInt64?, replayed: UInt64?, receivedAt: UInt64, isOld: Bool) {
    let item = item(timestamp: timestamp, replayed: replayed, receivedAt: receivedAt)
    #expect(item.isOlder(than: .seconds(60)) == isOld)
  }

  @Test("A fraction of a second is no age yet") func fractions() {
    #expect(!item(timestamp: 1000, receivedAt: 1001).isOlder(than: .milliseconds(500)))
    #expect(item(timestamp: 1000, receivedAt: 1002).isOlder(than: .milliseconds(500)))
  }

  private func receipt(
    on standing: QueueTopology, attempts: Int64 = 0, _ configure: (inout AttemptOptions) -> Void = { _ in }
  ) -> AttemptPolicy.Receipt {
    var options = AttemptOptions()
    options.maxAge = .seconds(60)
    configure(&options)
    return AttemptPolicy(options: options, standing: standing)
      .receipt(of: item(timestamp: 1000, receivedAt: 5000, attempts: attempts))
  }

  @Test("An item that is too old goes where dead letters go") func destination() {
    let cause = DeadLetterCause(reason: .expired)
    #expect(receipt(on: .declared) == .setAside(Move(destination: .deadLetter(cause), attempts: 0), .expired))
    #expect(
      receipt(on: .declared, attempts: 2) == .setAside(Move(destination: .deadLetter(cause), attempts: 2), .expired))
    #expect(
      receipt(on: .deadLettering(Self.target))
        == .setAside(Move(destination: .deadLetterExchange(Self.target, cause), attempts: 0), .expired))
    #expect(receipt(on: .declared) { $0.maxAge = nil } == .run)
  }

  @Test("An item without an attempt left keeps the reason of its last one") func exhausted() {
    #expect(receipt(on: .declared, attempts: 3) == .deadLetter)
  }

  @Test("Without a place for dead letters the item is run, however the queue came to be so")
  func noPlace() {
    #expect(receipt(on: .plain(.classic)) == .run)
    #expect(receipt(on: .deadLettering(nil)) == .run)
  }

  private func deliver(_ driver: inout RunnerDriver, timestamp: UInt64) -> [RunnerAction] {
    var properties = BasicProperties()
    properties.timestamp = timestamp
    let event = RunnerEvent.delivered(RunnerDriver.envelope, properties, digest: nil, receivedAt: 5000, slot: 0)
    return driver.answered(driver.handle(event))
  }

  @Test("An item that is too old is taken, fails, and is not run") func run() {
    var driver = RunnerDriver { $0.attempts.maxAge = .seconds(60) }
    driver.consume(hasRetries: true)
    let actions = deliver(&driver, timestamp: 1000)
    #expect(!actions.startsWorker && actions.moves.count == 1)
    let taken = driver.handle(.moveConfirmed(slot: 0))
    #expect(taken.errors.count == 1 && taken.errors[0].contains("it is too old (--max-item-age)"))
    #expect(driver.settle().finished == .failure)
  }

  @Test("An item that is young enough is run") func young() {
    var driver = RunnerDriver { $0.attempts.maxAge = .seconds(60) }
    driver.consume(hasRetries: true)
    #expect(deliver(&driver, timestamp: 4990).startsWorker)
  }

  @Test("A copy that is tried again keeps the time of its replay, and a dead letter does not") func copies() {
    let item = item(timestamp: 1000, replayed: 4000, receivedAt: 5000)
    let cause = DeadLetterCause(reason: .failed)
    func replayTime(_ destination: Move.Destination) -> UInt64? {
      item.properties(for: Move(destination: destination, attempts: 1), host: "h", time: 0).headers?
        .time(ItemHeader.replayTime)
    }
    #expect(replayTime(.queue) == 4000 && replayTime(.retry(after: .seconds(1), cause)) == 4000)
    #expect(replayTime(.deadLetter(cause)) == nil)
  }
}
