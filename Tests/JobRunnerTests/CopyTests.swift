import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// Copies of items that no worker has had: when they are published, and when the runner stops publishing them.
@Suite struct CopyTests {
  private func envelope(_ tag: UInt64) -> Envelope {
    Envelope(consumerTag: "amqp-job-1", deliveryTag: tag, isRedelivered: true, exchange: "", routingKey: "q")
  }

  /// An item has come whose return is counted by a copy, and the channel has not answered.
  private func asking() -> (RunnerDriver, [RunnerAction]) {
    var driver = RunnerDriver()
    driver.consume(hasRetries: true)
    let actions = driver.handle(.delivered(envelope(1), BasicProperties(), digest: nil, slot: 0))
    return (driver, actions)
  }

  @Test("A copy waits until its item can be settled") func aCopyWaitsUntilTheItemCanBeSettled() {
    var (driver, actions) = asking()
    #expect(actions.asksBeforeCopy && actions.moves.isEmpty)
    #expect(driver.method(.basicQoSOK).moves == [Move(destination: .queue, attempts: 1)])
  }

  @Test("An item that is lost at once gets no copy") func anItemThatIsLostAtOnceHasNoCopy() {
    var (driver, _) = asking()
    #expect(driver.handle(RunnerDriver.lost()).moves.isEmpty)
    #expect(driver.reconnect().moves.isEmpty)
    #expect(driver.method(.basicQoSOK).moves.isEmpty)
  }

  @Test("An item is run uncounted if the channel does not answer before its copy")
  func withoutAnAnswerItIsRunUncounted() {
    var (driver, _) = asking()
    #expect(driver.handle(.timer(.settlementLimit)).startsWorker)
    #expect(driver.method(.basicQoSOK).moves.isEmpty)
  }

  /// The item comes again, and the connection is lost while its copy is under way or confirmed.
  private func losing(_ driver: inout RunnerDriver, isConfirmed: Bool) -> [RunnerAction] {
    driver.reconnect(hasRetries: true)
    driver.method(.basicQoSOK)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    #expect(driver.deliver(isRedelivered: true).moves.count == 1)
    if isConfirmed { driver.handle(.moveConfirmed(slot: 0)) }
    return driver.handle(RunnerDriver.lost())
  }

  @Test("An item that is lost again and again is not copied without end", arguments: [true, false])
  func itemsThatAreLostAgainAndAgainAreNotCopiedForEver(isConfirmed: Bool) {
    var driver = RunnerDriver()
    driver.consume(hasRetries: true)
    _ = driver.handle(RunnerDriver.lost())
    for _ in 1..<CopyState.maxLosses {
      #expect(losing(&driver, isConfirmed: isConfirmed).errors.isEmpty)
    }
    let end = losing(&driver, isConfirmed: isConfirmed)
    #expect(end.errors.count == 1 && driver.finished == .temporaryFailure)
  }

  @Test("A copy whose item left its queue begins the count of losses anew")
  func oneThatHasLeftItsQueueBeginsTheCountAnew() {
    var driver = RunnerDriver { $0.extent = .forever }
    driver.consume(hasRetries: true)
    _ = driver.handle(RunnerDriver.lost())
    for _ in 1...3 * CopyState.maxLosses {
      #expect(losing(&driver, isConfirmed: false).errors.isEmpty)
      driver.reconnect(hasRetries: true)
      driver.method(.basicQoSOK)
      driver.deliver(isRedelivered: true)
      driver.handle(.moveConfirmed(slot: 0))
      // With a prefetch count of 1, the item comes only if the ack was taken.
      driver.deliver()
      driver.handle(.workerEnded(.exited(0)))
      _ = driver.handle(RunnerDriver.lost())
      guard driver.finished == nil else { return }
    }
  }

  /// The worker fails, and the broker does not say whether it has the copy.
  private func failingUnconfirmed(_ driver: inout RunnerDriver) -> [RunnerAction] {
    driver.deliver()
    #expect(driver.handle(.workerEnded(.exited(1))).moves.count == 1)
    return driver.handle(.moveUnconfirmed(reason: "silence", slot: 0))
  }

  @Test("Copies whose outcome stays unknown are not made without end")
  func copiesThatMayBeThereEachTimeAreNotMadeForEver() {
    var driver = RunnerDriver { $0.extent = .forever }
    driver.consume(hasRetries: true)
    for _ in 1..<CopyState.maxLosses {
      #expect(failingUnconfirmed(&driver).errors.isEmpty)
      driver.handle(.timer(.pause))
    }
    #expect(failingUnconfirmed(&driver).errors.count == 1)
    _ = driver.settle()
    #expect(driver.finished == .temporaryFailure)
  }

  @Test("Copies that the broker refused are not counted as losses") func copiesThatAreNotThereCountForNothing() {
    var driver = RunnerDriver { $0.extent = .forever }
    driver.consume(hasRetries: true)
    for _ in 1...3 * CopyState.maxLosses {
      driver.deliver()
      driver.handle(.workerEnded(.exited(1)))
      #expect(driver.handle(.moveFailed(reason: "full", slot: 0)).errors.isEmpty)
      driver.handle(.timer(.pause))
    }
    #expect(driver.finished == nil)
  }

  // MARK: What no worker can have

  private static let malformed: BasicProperties = {
    var properties = BasicProperties()
    properties.undecodable = [0, 1]
    return properties
  }()

  @Test("An item whose properties cannot be read is set aside, and counts as failed", arguments: [true, false])
  func whatCannotBeReadIsSetAsideAndCounts(hasRetries: Bool) {
    var driver = RunnerDriver()
    driver.consume(hasRetries: hasRetries)
    let actions = driver.deliver(Self.malformed)
    let cause = DeadLetterCause(reason: .malformed, status: nil)
    #expect(
      !actions.startsWorker
        && actions.moves == [Move(destination: hasRetries ? .deadLetter(cause) : .queue, attempts: 0)])
    #expect(driver.handle(.moveConfirmed(slot: 0)).errors.count == 1)
    #expect(driver.settle().finished == .failure)
  }

  @Test("An item whose properties cannot be read is run if only its body is wanted")
  func whereTheBodyIsAllThatIsWantedItIsRun() {
    var driver = RunnerDriver { $0.attempts.runsMalformed = true }
    driver.consume()
    #expect(driver.deliver(Self.malformed).startsWorker)
  }

  @Test("A copy of an item whose properties cannot be read has those properties") func itsCopyInItsQueueIsWhatItWas() {
    let item = WorkItem(envelope: envelope(1), properties: Self.malformed, queue: "q")
    let copy = item.properties(for: Move(destination: .queue, attempts: 3), host: "h", time: 1)
    #expect(copy == Self.malformed)
  }

  @Test("A dead letter has properties that cannot be read in a header") func itsDeadLetterHasThePropertiesAsTheyCame() {
    let item = WorkItem(envelope: envelope(1), properties: Self.malformed, queue: "q")
    let cause = DeadLetterCause(reason: .malformed, status: nil)
    let copy = item.properties(for: Move(destination: .deadLetter(cause), attempts: 0), host: "h", time: 1)
    #expect(copy.undecodable == nil && copy.headers?["x-amqp-job-properties"] == .bytes([0, 1]))
    #expect(copy.headers?["x-amqp-job-reason"] == .string("malformed"))
    #expect(copy.withoutItemHeaders().headers == ["x-amqp-job-properties": .bytes([0, 1])])
  }

  /// The body is passed on while it arrives, so the channel cannot answer anything meanwhile.
  @Test("An item that is too large is copied while it arrives") func whatIsTooLargeIsCopiedAsItComes() {
    var driver = RunnerDriver()
    driver.consume(hasRetries: true)
    let actions = driver.handle(.tooLarge(envelope(1), BasicProperties(), slot: 0))
    let cause = DeadLetterCause(reason: .tooLarge, status: nil)
    #expect(actions.moves == [Move(destination: .deadLetter(cause), attempts: 1)] && !actions.asksBeforeCopy)
  }

  @Test("An item that belongs to no slot is ignored") func whatIsOfNoSlotIsNothing() {
    var driver = RunnerDriver()
    driver.consume()
    for slot in [-1, 1, 65_534] {
      #expect(driver.handle(.delivered(envelope(1), BasicProperties(), digest: nil, slot: slot)).isEmpty)
      #expect(driver.handle(.tooLarge(envelope(1), BasicProperties(), slot: slot)).isEmpty)
    }
  }
}
