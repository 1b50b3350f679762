import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// How the runner finds out whether a queue with a retry queue is drained.
@Suite struct DrainRetriesTests {
  /// A queue with a retry queue, which is being probed.
  private func probingRetries() -> RunnerDriver {
    var driver = RunnerDriver { $0.extent = .drain }
    driver.consume(hasRetries: true)
    let names = driver.handle(.timer(.idle)).writes[0].map { method -> ByteString in
      if case .queueDeclare(let declaration) = method { declaration.name } else { "" }
    }
    #expect(names == ["q", "q.retry", "q.marks", "q"])
    return driver
  }

  /// The broker says how many messages are in the retry queue and in the queue of marks.
  private func counted(_ retries: UInt32, marks: UInt32 = 0, _ driver: inout RunnerDriver) {
    driver.method(.queueDeclareOK(.init(name: "q.retry", messageCount: retries, consumerCount: 0)))
    driver.method(.queueDeclareOK(.init(name: "q.marks", messageCount: marks, consumerCount: 0)))
  }

  @Test("An item in the retry queue is waited for") func anItemInTheRetryQueueIsWaitedFor() {
    var driver = probingRetries()
    _ = driver.counted(0, 1)
    counted(1, &driver)
    // The runner does not get the item.
    #expect(driver.counted(0, 1).writes == [[.basicCancel(consumerTag: "amqp-job-1")]])
    #expect(driver.runner.drain.finding == .retries)
  }

  @Test("Only an answer of the leader shows that the retry queue is empty")
  func anEmptyRetryQueueHasToBeItsLeadersWord() {
    var driver = probingRetries()
    _ = driver.counted(0, 1)
    counted(0, &driver)
    #expect(
      driver.counted(0, 1).writes == [
        [.basicGet(queue: "q.retry"), .queueDeclare(.init(name: "q", isPassive: true))]
      ])
    driver.method(.basicGetEmpty)
    _ = driver.counted(0, 1)
    #expect(driver.runner.drain.finding == .empty)
  }

  @Test("A leader that does not answer is not waited for without end")
  func aLeaderThatDoesNotAnswerIsNotWaitedForForEver() {
    var driver = probingRetries()
    _ = driver.counted(0, 1)
    counted(0, &driver)
    _ = driver.counted(0, 1)
    #expect(driver.handle(.timer(.connectLimit)).finished == .unreachable)
  }

  @Test("An item that a probe gets goes back to the retry queue") func whatALookGetsGoesBackToTheRetryQueue() {
    var driver = probingRetries()
    _ = driver.counted(0, 1)
    counted(0, &driver)
    _ = driver.counted(0, 1)
    let envelope = Envelope(
      consumerTag: "", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q.retry")
    let got = driver.handle(.delivered(envelope, BasicProperties(), digest: nil, slot: 0))
    #expect(got.writes == [[.basicNack(deliveryTag: 1, multiple: false, requeue: true)]] && !got.startsWorker)
    #expect(got.contains(.releaseBody(slot: 0)))
    _ = driver.counted(0, 1)
    #expect(driver.runner.drain.finding == .retries)
  }

  // MARK: Items on their way back

  private static func with(_ headers: FieldTable) -> BasicProperties {
    var properties = BasicProperties()
    properties.headers = headers
    return properties
  }

  private static let back = with(["x-amqp-job-attempts": .int64(1), "x-first-death-queue": .string("q.retry")])
  private static let takesMark = AMQP.Method.basicGet(queue: "q.marks", noAck: true)
  private static let ack = AMQP.Method.basicAck(deliveryTag: 1, multiple: false)

  /// A probe that finds only this number of marks.
  private func look(marks: UInt32, _ driver: inout RunnerDriver) -> [RunnerAction] {
    if driver.runner.slots[0].state == .idle { _ = driver.counted(0, 0) }
    _ = driver.counted(0, 1)
    counted(0, marks: marks, &driver)
    _ = driver.counted(0, 1)
    if marks == 0 {
      driver.method(.basicGetEmpty)
      _ = driver.counted(0, 1)
    }
    return driver.method(.basicCancelOK(consumerTag: driver.runner.slots[0].consumerTag))
  }

  /// The next probe begins with a search for retry queues that were made meanwhile.
  private func search(_ driver: inout RunnerDriver) {
    let asked = driver.handle(.timer(.probe)).writes.last
    #expect(asked == [.queueDeclare(.init(name: "q.retry.2", isPassive: true))])
    driver.method(RunnerDriver.missing, on: 2)
  }

  @Test("An item on its way back is waited for") func whatIsOnItsWayBackIsWaitedFor() {
    var driver = probingRetries()
    for _ in 0..<5 {
      #expect(look(marks: 1, &driver).sets(.probe, after: .seconds(1)))
      #expect(driver.runner.drain.finding == .returning)
      driver.now += .seconds(50)
      driver.handle(.timer(.probe))
    }
    _ = driver.counted(0, 0)
    driver.deliver(Self.back)
    #expect(driver.handle(.workerEnded(.exited(0))).writes.contains([Self.ack, .channelOpen, Self.takesMark]))
  }

  @Test("Marks whose items do not come are removed in the end") func marksOfWhichNoItemComesAreTakenAwayInTheEnd() {
    var driver = probingRetries()
    for pause in [1, 300] {
      #expect(look(marks: 2, &driver).writes.isEmpty)
      driver.now += .seconds(pause)
      driver.handle(.timer(.probe))
    }
    #expect(look(marks: 2, &driver).writes.isEmpty)
    search(&driver)
    let actions = look(marks: 2, &driver)
    #expect(actions.writes == [[.channelOpen, Self.takesMark, Self.takesMark]])
    #expect(actions.contains { if case .log(let entry) = $0 { entry.level == .warning } else { false } })
    for _ in 0..<3 {
      #expect(driver.finished == nil)
      driver.handle(.timer(.probe))
      _ = look(marks: 0, &driver)
    }
    #expect(driver.finished == .success)
  }

  @Test("A runner that waits for marked items says for how many and for how long")
  func whoWaitsForSuchItemsSaysForHowManyAndHowLong() {
    var driver = probingRetries()
    _ = look(marks: 2, &driver)
    driver.now += .seconds(120)
    let line = driver.handle(.timer(.report)).notices.first ?? ""
    #expect(line.contains("waiting for 2 items") && line.contains("out of sight") && line.contains("300s"))
  }

  @Test("The probes of other runners do not delay the removal of marks") func othersWhoLookTooDoNotPutThatOff() {
    var driver = probingRetries()
    for _ in 0..<2 {
      _ = look(marks: 1, &driver)
      driver.handle(.timer(.probe))
    }
    othersAreThere(for: 300, &driver)
    #expect(look(marks: 1, &driver).writes.isEmpty)
    search(&driver)
    #expect(look(marks: 1, &driver).writes == [[.channelOpen, Self.takesMark]])
  }

  /// The mark belongs to an item that another runner holds and is just settling.
  @Test("A mark whose item another runner holds is not removed") func aMarkInSomebodysHandIsNotTakenAway() {
    var driver = probingRetries()
    othersAreThere(for: 600, &driver)
    for _ in 0..<2 {
      #expect(look(marks: 1, &driver).writes.isEmpty)
      driver.handle(.timer(.probe))
    }
  }

  private func othersAreThere(for seconds: Int, _ driver: inout RunnerDriver) {
    for _ in 0..<(seconds / 50) {
      _ = driver.counted(0, 2)
      counted(0, marks: 1, &driver)
      _ = driver.counted(0, 2)
      _ = driver.method(.basicCancelOK(consumerTag: driver.runner.slots[0].consumerTag))
      #expect(driver.runner.drain.finding == .otherConsumers)
      driver.now += .seconds(50)
      driver.handle(.timer(.probe))
    }
  }

  @Test(
    "The mark of an item that was retried is removed when the item leaves the queue",
    arguments: [
      (BasicProperties(), false), (with(["x-first-death-queue": .string("another")]), false),
      (back, true), (with(["x-first-death-queue": .string("q.retry"), "x-acquired-count": .int64(1)]), true),
    ])
  func theMarkGoesWithTheItem(properties: BasicProperties, isMarked: Bool) {
    for isRedelivered in [false, true] {
      var driver = RunnerDriver { $0.extent = .drain }
      driver.consume(hasRetries: true)
      let early = driver.deliver(properties, isRedelivered: isRedelivered)
      #expect(!early.writes.joined().contains(Self.takesMark))
      // A return that the queue does not count is counted by a copy first.
      let late = driver.handle(early.moves.isEmpty ? .workerEnded(.exited(0)) : .moveConfirmed(slot: 0))
      #expect(late.writes.joined().contains(Self.takesMark) == isMarked)
    }
  }

  @Test("An item that is to be tried again keeps its mark") func anItemThatIsToBeTriedAgainKeepsItsMark() {
    var driver = RunnerDriver { $0.extent = .drain }
    driver.consume(hasRetries: true)
    driver.deliver(Self.back)
    let failed = driver.handle(.workerEnded(.exited(1)))
    #expect(failed.moves.count == 1)
    let settled = driver.handle(.moveConfirmed(slot: 0))
    #expect(settled.writes.joined().contains(Self.ack))
    #expect(!(failed + settled).writes.joined().contains(Self.takesMark))
  }

  @Test("A dead letter has no mark") func aDeadLetterHasNoMark() {
    var driver = RunnerDriver {
      $0.extent = .drain
      $0.attempts.maxAttempts = 2
    }
    driver.consume(hasRetries: true)
    driver.deliver(Self.back)
    driver.handle(.workerEnded(.exited(1)))
    #expect(driver.handle(.moveConfirmed(slot: 0)).writes.contains([Self.ack, .channelOpen, Self.takesMark]))
  }

  @Test("A user who may not remove marks is told so") func aUserWhoMayNotTakeMarksIsToldSo() {
    var driver = RunnerDriver { $0.extent = .drain }
    driver.consume(hasRetries: true)
    driver.deliver(Self.back)
    driver.handle(.workerEnded(.exited(0)))
    let refusal = CloseReason(
      code: .accessRefused, text: "ACCESS_REFUSED - read access to queue 'q.marks' in vhost '/' refused for user 'u'")
    let actions = driver.method(.channelClose(refusal), on: 3)
    #expect(actions.errors.first?.contains("q.marks") == true)
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    _ = driver.settle()
    #expect(driver.finished == .notPermitted)
  }
}
