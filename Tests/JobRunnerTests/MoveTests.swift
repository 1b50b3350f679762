import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// Items that leave their queue as confirmed copies.
@Suite struct MoveTests {
  private func properties(_ headers: FieldTable = [:]) -> BasicProperties {
    var properties = BasicProperties()
    properties.messageID = "id"
    properties.headers = headers
    return properties
  }

  /// The runner has taken one item from a queue with retries.
  private func taken(
    _ headers: FieldTable = [:], isRedelivered: Bool = false, hasRetries: Bool = true,
    _ configure: (inout JobOptions) -> Void = { _ in }
  ) -> (RunnerDriver, [RunnerAction]) {
    var driver = RunnerDriver(configure)
    driver.consume(hasRetries: hasRetries)
    let actions = driver.deliver(properties(headers), isRedelivered: isRedelivered)
    return (driver, actions)
  }

  private let ackAndClose: [AMQP.Method] = [
    .basicCancel(consumerTag: "amqp-job-1"), .basicAck(deliveryTag: 1, multiple: false), channelClose,
  ]

  @Test("A failed item comes back later") func aFailedItemComesBackLater() {
    var (driver, _) = taken { $0.attempts.retryDelay = .seconds(7) }
    let actions = driver.handle(.workerEnded(.exited(3)))
    let cause = DeadLetterCause(reason: .failed, status: .exited(3))
    #expect(
      actions.writes.isEmpty && actions.moves == [Move(destination: .retry(after: .seconds(7), cause), attempts: 1)])
    #expect(driver.handle(.moveConfirmed(slot: 0)).writes == [ackAndClose])
    #expect(driver.settle().finished?.rawValue == 3)
  }

  @Test("An item is dead-lettered after its last attempt") func afterItsLastAttemptItIsDeadLettered() {
    var (driver, _) = taken(["x-amqp-job-attempts": .int64(2)])
    let cause = DeadLetterCause(reason: .killed, status: .killed(.kill))
    #expect(
      driver.handle(.workerEnded(.killed(.kill))).moves == [Move(destination: .deadLetter(cause), attempts: 3)])
    #expect(driver.handle(.moveConfirmed(slot: 0)).writes == [ackAndClose])
    #expect(driver.settle().finished?.rawValue == 137)
  }

  @Test("An item whose worker exits with a status to reject on is dead-lettered at once")
  func aStatusThatNoAttemptMendsIsDeadLetteredAtOnce() {
    var (driver, _) = taken { $0.attempts.rejectedStatuses = [65] }
    let cause = DeadLetterCause(reason: .rejected, status: .exited(65))
    #expect(driver.handle(.workerEnded(.exited(65))).moves == [Move(destination: .deadLetter(cause), attempts: 1)])
  }

  @Test("The dead letter of an item that timed out says so") func aTimeoutSaysSo() {
    var (driver, _) = taken(["x-amqp-job-attempts": .int64(2)]) { $0.worker.timeout = .seconds(1) }
    driver.handle(.timer(.workerLimit))
    let cause = DeadLetterCause(reason: .timedOut, status: .killed(.terminate))
    #expect(
      driver.handle(.workerEnded(.killed(.terminate))).moves == [Move(destination: .deadLetter(cause), attempts: 3)])
  }

  @Test("An interruption is no attempt") func anInterruptionIsNoAttempt() {
    var (driver, _) = taken(["x-amqp-job-attempts": .int64(1)])
    driver.handle(.signal(.terminate))
    #expect(
      driver.handle(.workerEnded(.killed(.terminate))).moves == [Move(destination: .queue, attempts: 1)])
    #expect(driver.handle(.moveConfirmed(slot: 0)).writes == [ackAndClose])
    #expect(driver.settle().finished == .signal(.terminate))
  }

  @Test("Crashes that the queue counts are attempts") func crashesThatTheQueueCountsAreAttempts() {
    let (_, actions) = taken(["x-amqp-job-attempts": .int64(1), "x-delivery-count": .int64(2)], isRedelivered: true)
    let cause = DeadLetterCause(reason: .cameBack)
    #expect(!actions.startsWorker && actions.moves == [Move(destination: .deadLetter(cause), attempts: 3)])
  }

  @Test("An item without an attempt left counts as taken, but not as done")
  func anItemWithoutAnyAttemptLeftIsTakenAndNotDone() {
    var (driver, _) = taken(["x-delivery-count": .int64(3)], isRedelivered: true)
    #expect(driver.handle(.moveConfirmed(slot: 0)).writes == [ackAndClose])
    #expect(driver.settle().finished == .failure)
  }

  @Test("A crash that the queue does not count is counted before the next run")
  func aCrashThatTheQueueDoesNotCountIsCountedBeforeTheNextRun() {
    var (driver, actions) = taken(["x-amqp-job-attempts": .int64(1)], isRedelivered: true)
    #expect(!actions.startsWorker && actions.moves == [Move(destination: .queue, attempts: 2)])
    // The item does not count as taken, and the slot waits for the next one.
    #expect(driver.handle(.moveConfirmed(slot: 0)).writes == [[.basicAck(deliveryTag: 1, multiple: false)]])
    #expect(driver.deliver(properties(["x-amqp-job-attempts": .int64(2)])).startsWorker)
  }

  @Test("A return that was no failure is not counted") func aReturnThatWasNoFailureIsNotCounted() {
    let (_, actions) = taken(["x-acquired-count": .int64(1)], isRedelivered: true)
    #expect(actions.startsWorker)
  }

  @Test("An item that nears a broker's delivery limit is replaced by a copy", arguments: [true, false])
  func anItemThatNearsABrokersLimitIsRenewed(hasRetries: Bool) {
    let (_, actions) = taken(["x-delivery-count": .int64(10)], isRedelivered: true, hasRetries: hasRetries) {
      $0.attempts.maxAttempts = 50
    }
    #expect(!actions.startsWorker && actions.moves == [Move(destination: .queue, attempts: 10)])
  }

  @Test("An item that nears a limit is run even if it cannot be copied") func withoutACopyItIsRunAllTheSame() {
    var (driver, _) = taken(["x-delivery-count": .int64(10)], isRedelivered: true, hasRetries: false)
    let actions = driver.handle(.moveFailed(reason: "why", slot: 0))
    #expect(
      actions.startsWorker
        && actions.contains { if case .log(let entry) = $0 { entry.level == .warning } else { false } })
  }

  @Test("An item without an attempt left is run if no copy can be published")
  func anItemWithoutAnyAttemptLeftIsRunWhereNoCopyCanBePublished() {
    var (driver, _) = taken(["x-delivery-count": .int64(3)], isRedelivered: true)
    #expect(driver.handle(.moveFailed(reason: "why", slot: 0)).startsWorker)
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.settle().finished == .success)
  }

  /// The item goes back as one that nobody ran, although it has no attempts left.
  @Test("An item without an attempt left goes back uncounted if the runner ends")
  func anItemWithoutAnyAttemptLeftGoesBackUncountedWhereTheRunnerEnds() {
    var (driver, _) = taken(["x-delivery-count": .int64(3)], isRedelivered: true)
    driver.handle(.signal(.terminate))
    let actions = driver.handle(.moveFailed(reason: "why", slot: 0))
    #expect(actions.writes.joined().contains(.basicNack(deliveryTag: 1, multiple: false, requeue: true)))
  }

  @Test(
    "The line about an item without an attempt left tells how the last one ended",
    arguments: [
      (
        [
          "x-amqp-job-attempts": .int64(3), "x-amqp-job-last-reason": .string("failed"),
          "x-amqp-job-last-status": .int64(7),
        ],
        DeadLetterCause(reason: .failed, status: .exited(7)), "exited with 7"
      ),
      (
        [
          "x-amqp-job-attempts": .int64(3), "x-amqp-job-last-reason": .string("timed out"),
          "x-amqp-job-last-signal": .string("TERM"),
        ],
        DeadLetterCause(reason: .timedOut, status: .killed(.terminate)), "too long"
      ),
      (
        [
          "x-amqp-job-attempts": .int64(3), "x-amqp-job-last-reason": .string("x"),
          "x-amqp-job-last-status": .string("y"),
        ],
        DeadLetterCause(reason: .unknown), "not known"
      ),
      (["x-amqp-job-attempts": .int64(3)], DeadLetterCause(reason: .unknown), "not known"),
    ] as [(FieldTable, DeadLetterCause, String)])
  func thatNoAttemptIsLeftIsSaidWithHowTheLastOneCameOut(headers: FieldTable, cause: DeadLetterCause, text: String) {
    var (driver, actions) = taken(headers)
    #expect(actions.moves == [Move(destination: .deadLetter(cause), attempts: 3)])
    #expect(driver.handle(.moveConfirmed(slot: 0)).errors.contains { $0.contains("3 of 3 used") && $0.contains(text) })
  }

  @Test("An item whose copy cannot be published goes back itself") func whereThereIsNoCopyTheItemItselfGoesBack() {
    var (driver, _) = taken { $0.extent = .count(2) }
    driver.handle(.workerEnded(.exited(3)))
    #expect(
      driver.handle(.moveFailed(reason: "why", slot: 0)).writes == [[.basicReject(deliveryTag: 1, requeue: true)]])
    driver.deliver()
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.settle().finished == .failure)
  }

  @Test("A broker that does not confirm a copy is not waited for without end")
  func aBrokerThatDoesNotConfirmIsNotWaitedForForEver() {
    var (driver, _) = taken()
    driver.handle(.workerEnded(.exited(3)))
    let actions = driver.handle(.timer(.settlementLimit))
    #expect(actions.contains(.dropMove(slot: 0)))
    #expect(actions.writes[0].contains(.basicReject(deliveryTag: 1, requeue: true)))
    #expect(driver.handle(.moveConfirmed(slot: 0)).isEmpty)
  }

  @Test("A broker that is short of memory is waited for until a signal comes")
  func aBrokerThatIsShortOfMemoryIsWaitedForUntilWeAreToldToEnd() {
    var (driver, _) = taken()
    driver.handle(.workerEnded(.exited(3)))
    driver.handle(.movesBlocked(reason: "low on memory"))
    #expect(driver.handle(.timer(.settlementLimit)).sets(.settlementLimit, after: .seconds(5)))
    driver.handle(.signal(.terminate))
    #expect(driver.handle(.timer(.settlementLimit)).contains(.dropMove(slot: 0)))
  }

  @Test("A copy that is confirmed after the connection is lost acks nothing") func nothingIsAckedWithoutAConnection() {
    var (driver, _) = taken()
    driver.handle(.workerEnded(.exited(3)))
    let actions = driver.handle(RunnerDriver.lost())
    #expect(actions.writes.isEmpty && actions.contains(.dropMove(slot: 0)) && actions.errors.count == 1)
    #expect(driver.finished?.rawValue == 3)
  }

  @Test("An item that the broker takes back during its move does not end the runner")
  func anItemThatGoesBackByItselfEndsNothing() {
    var (driver, _) = taken { $0.extent = .count(3) }
    driver.handle(.workerEnded(.exited(3)))
    let actions = driver.method(.basicCancel(consumerTag: "amqp-job-1"))
    #expect(actions.contains(.dropMove(slot: 0)) && actions.errors.isEmpty)
    // The channel is still open.
    #expect(
      actions.writes == [[.basicConsume(queue: "q", consumerTag: "amqp-job-2", arguments: Slot.arguments(priority: 0))]]
        && driver.finished == nil)
  }

  @Test("A signal during a move makes its item the last one") func aSignalMeanwhileMakesItTheLastItem() {
    var (driver, _) = taken { $0.extent = .count(3) }
    driver.handle(.workerEnded(.exited(3)))
    #expect(driver.handle(.signal(.terminate)).writes.isEmpty)
    #expect(driver.handle(.moveConfirmed(slot: 0)).writes == [ackAndClose])
    #expect(driver.settle().finished == .signal(.terminate))
  }

  @Test("Dead letters say why") func deadLettersSayWhy() {
    var original = properties(["x-own": .string("kept"), "x-amqp-job-attempts": .int64(1)])
    original.expiration = "5"
    let envelope = Envelope(consumerTag: "c", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")
    let item = WorkItem(envelope: envelope, properties: original, queue: "q")
    let cause = DeadLetterCause(reason: .failed, status: .exited(7))
    let dead = item.properties(
      for: Move(destination: .deadLetter(cause), attempts: 2), host: "h", time: 9)
    #expect(
      dead.headers == [
        "x-own": .string("kept"), "x-amqp-job-exchange": .string(""), "x-amqp-job-routing-key": .string("q"),
        "x-amqp-job-queue": .string("q"), "x-amqp-job-reason": .string("failed"),
        "x-amqp-job-status": .int64(7), "x-amqp-job-attempts": .int64(2), "x-amqp-job-host": .string("h"),
        "x-amqp-job-time": .timestamp(9),
      ])
    #expect(dead.expiration == nil && dead.deliveryMode == 2 && dead.messageID == "id")
    let retried = item.properties(
      for: Move(destination: .retry(after: .milliseconds(1500), cause), attempts: 2), host: "h", time: 9)
    #expect(retried.expiration == "1500")
    #expect(
      retried.headers == [
        "x-own": .string("kept"), "x-amqp-job-exchange": .string(""), "x-amqp-job-routing-key": .string("q"),
        "x-amqp-job-attempts": .int64(2), "x-amqp-job-last-reason": .string("failed"),
        "x-amqp-job-last-status": .int64(7),
      ])
  }
}
