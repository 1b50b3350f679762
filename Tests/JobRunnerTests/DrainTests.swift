import AMQP
import Broker
import Linux
import Testing

@testable import JobRunner

/// `--when-empty exit`
@Suite struct DrainTests {
  private func waiting(
    _ configure: (inout JobOptions) -> Void = { _ in }, jitter: @escaping @Sendable () -> Double = { 0 }
  ) -> RunnerDriver {
    var driver = RunnerDriver(
      {
        $0.whenEmpty = .exit
        configure(&$0)
      }, jitter: jitter)
    driver.consume()
    return driver
  }

  private let questions = [AMQP.Method](repeating: .queueDeclare(.init(name: "q", isPassive: true)), count: 2)

  /// One look at a queue in which nothing is.
  private func emptyProbe(_ driver: inout RunnerDriver) -> [RunnerAction] {
    if driver.runner.slots[0].state == .idle { _ = driver.counted(0, 0) }
    _ = driver.counted(0, 1)
    _ = driver.counted(0, 1)
    return driver.method(.basicCancelOK(consumerTag: driver.runner.slots[0].consumerTag))
  }

  @Test func threeEmptyLooksASecondApartEndIt() {
    var driver = waiting()
    #expect(driver.handle(.timer(.idle)).writes == [questions])
    #expect(emptyProbe(&driver).sets(.probe, after: .seconds(1)))
    #expect(driver.handle(.timer(.probe)).writes == [[questions[0]]])
    #expect(
      driver.counted(0, 0).writes == [
        [.basicConsume(queue: "q", consumerTag: "amqp-job-2", arguments: Slot.arguments(priority: 0))] + questions
      ])
    #expect(emptyProbe(&driver).sets(.probe, after: .seconds(1)))
    driver.handle(.timer(.probe))
    let end = emptyProbe(&driver)
    #expect(end.contains(.closeConnections) && end.errors.isEmpty)
    #expect(driver.finished == .success)
  }

  @Test func aFailureBeforeIsStillOne() {
    var driver = waiting { $0.extent = .count(5) }
    driver.deliver()
    driver.handle(.workerEnded(.exited(3)))
    driver.handle(.timer(.idle))
    for _ in 0..<2 {
      _ = emptyProbe(&driver)
      driver.handle(.timer(.probe))
    }
    _ = emptyProbe(&driver)
    #expect(driver.finished == .failure)
  }

  @Test func anotherConsumerMayGiveOneBack() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 2)
    #expect(driver.counted(0, 1).writes == [[.basicCancel(consumerTag: "amqp-job-1")]])
    #expect(driver.method(.basicCancelOK(consumerTag: "amqp-job-1")).sets(.probe, after: .seconds(1)))
    for _ in 0..<10 {
      // While it is there we do not consume, and so are in nobody else's way.
      #expect(driver.handle(.timer(.probe)).writes == [[questions[0]]])
      let actions = driver.counted(0, 1)
      #expect(actions.writes.isEmpty && actions.sets(.probe, after: .seconds(1)) && driver.finished == nil)
    }
  }

  @Test func twoWhoseLooksHaveMetPartAgain() {
    var driver = waiting(jitter: { .random(in: 0...1) })
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 2)
    _ = driver.counted(0, 1)
    _ = driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    var pauses: Set<Duration> = []
    for _ in 0..<20 {
      driver.handle(.timer(.probe))
      let pause = driver.counted(0, 1).delay(of: .probe)
      #expect(pause.map { (.seconds(1)...(.milliseconds(1250))).contains($0) } == true)
      if let pause { pauses.insert(pause) }
    }
    #expect(pauses.count > 10)
  }

  @Test func aLookThatFindsSomethingStartsTheCountAnew() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    for _ in 0..<2 {
      _ = emptyProbe(&driver)
      driver.handle(.timer(.probe))
    }
    _ = driver.counted(0, 2)
    _ = driver.counted(0, 2)
    driver.method(.basicCancelOK(consumerTag: driver.runner.slots[0].consumerTag))
    driver.handle(.timer(.probe))
    for _ in 0..<2 {
      #expect(emptyProbe(&driver).sets(.probe, after: .seconds(1)))
      driver.handle(.timer(.probe))
    }
    #expect(emptyProbe(&driver).contains(.closeConnections))
  }

  @Test func anItemInTheQueueIsConsumed() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = emptyProbe(&driver)
    driver.handle(.timer(.probe))
    _ = driver.counted(1, 1)
    let actions = driver.counted(1, 1)
    // The consumer of the look stays.
    #expect(actions.writes.isEmpty && driver.runner.phase == .serving)
    #expect(driver.deliver().startsWorker)
  }

  @Test func anItemThatSomebodyElseGetsIsNotWaitedForForEver() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(1, 1)
    #expect(driver.counted(0, 1).sets(.idle, after: .milliseconds(250)))
    #expect(driver.handle(.timer(.idle)).writes == [questions])
  }

  @Test func aSlotThatStillWaitsLooksWhenTheOthersAreThrough() {
    var driver = waiting {
      $0.parallelism = 2
      $0.extent = .count(2)
    }
    driver.deliver(slot: 1)
    #expect(driver.handle(.timer(.idle)).isEmpty)
    driver.handle(.workerEnded(.exited(0), slot: 1))
    #expect(driver.method(.channelCloseOK, on: 2).sets(.idle, after: .milliseconds(250)))
  }

  @Test func aLookWaitsForNoSlotThatHasHadItsLastItem() {
    var driver = waiting {
      $0.parallelism = 2
      $0.extent = .count(2)
    }
    driver.deliver(slot: 1)
    driver.handle(.workerEnded(.exited(0), slot: 1))
    driver.handle(.timer(.idle))
    #expect(!emptyProbe(&driver).sets(.probe, after: .seconds(1)))
    #expect(driver.method(.channelCloseOK, on: 2).sets(.probe, after: .seconds(1)))
  }

  @Test func anItemThatComesDuringALookIsRunAndItsAnswersAreStale() {
    var driver = waiting { $0.extent = .count(2) }
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 1)
    #expect(driver.deliver().startsWorker)
    driver.handle(.workerEnded(.exited(0)))
    driver.handle(.timer(.idle))
    driver.method(.basicQoSOK)
    driver.handle(.timer(.idle))
    // This one is still the first look's.
    _ = driver.counted(0, 1)
    #expect(driver.counted(0, 1).writes.isEmpty)
    #expect(driver.counted(0, 1).writes == [[.basicCancel(consumerTag: "amqp-job-1")]])
  }

  @Test func anItemThatComesAsTheLookEndsIsPutBackAsACopyAndTakenAgain() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 1)
    _ = driver.counted(0, 1)
    #expect(driver.deliver().moves == [Move(destination: .queue, attempts: 0)])
    #expect(driver.method(.basicCancelOK(consumerTag: "amqp-job-1")).writes.isEmpty)
    let actions = driver.handle(.moveConfirmed(slot: 0))
    #expect(
      actions.writes == [
        [.basicAck(deliveryTag: 1, multiple: false)],
        [.basicConsume(queue: "q", consumerTag: "amqp-job-2", arguments: Slot.arguments(priority: 0))],
      ])
    #expect(driver.deliver().startsWorker)
    driver.handle(.workerEnded(.exited(0)))
    _ = driver.settle()
    #expect(driver.finished == .success)
  }

  @Test func aSignalEndsALookAndPutsBackWhatComesInThatMoment() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    #expect(driver.handle(.signal(.terminate)).writes == [[.basicCancel(consumerTag: "amqp-job-1")]])
    #expect(driver.deliver().moves == [Move(destination: .queue, attempts: 0)])
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    #expect(
      driver.handle(.moveConfirmed(slot: 0)).writes == [[.basicAck(deliveryTag: 1, multiple: false), channelClose]])
    _ = driver.settle()
    #expect(driver.finished == .signal(.terminate))
  }

  @Test func answersThatDoNotShowOurOwnConsumerShowNothing() {
    var driver = waiting { $0.connection.connectTimeout = .seconds(30) }
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 0)
    _ = driver.counted(0, 1)
    #expect(driver.method(.basicCancelOK(consumerTag: "amqp-job-1")).sets(.probe, after: .seconds(1)))
    driver.now += .seconds(30)
    driver.handle(.timer(.probe))
    _ = driver.counted(0, 0)
    _ = driver.counted(0, 0)
    _ = driver.counted(0, 1)
    #expect(driver.method(.basicCancelOK(consumerTag: "amqp-job-2")).errors.count == 1)
    #expect(driver.finished == .unreachable)
  }

  @Test func anItemThatComesDuringALookIsAnAnswer() {
    var driver = waiting { $0.extent = .count(2) }
    driver.handle(.timer(.idle))
    #expect(driver.deliver().contains(.cancel(.connectLimit)))
  }

  @Test func aBrokerThatNeverAnswersTheCancelIsNotWaitedForForEver() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 1)
    #expect(!driver.counted(0, 1).contains(.cancel(.connectLimit)))
    #expect(driver.handle(.timer(.connectLimit)).finished == .unreachable)
  }

  @Test func aSignalDoesNotWaitForTheAnswerToTheCancel() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 1)
    _ = driver.counted(0, 1)
    let actions = driver.handle(.signal(.terminate))
    #expect(actions.sets(.settlementLimit, after: .milliseconds(500)))
    #expect(driver.handle(.timer(.settlementLimit)).finished == .signal(.terminate))
  }

  @Test func anItemOfALookWhoseChannelIsClosedEndsNoLooking() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 1)
    _ = driver.counted(0, 1)
    driver.deliver()
    let closed = Method.channelClose(CloseReason(code: .preconditionFailed, text: "timed out"))
    let consume = Method.basicConsume(queue: "q", consumerTag: "amqp-job-2", arguments: Slot.arguments(priority: 0))
    #expect(driver.method(closed).writes == [[.channelOpen, .basicQoS(prefetchCount: 1), consume]])
  }

  /// A queue with retries, looked at.
  private func probingRetries() -> RunnerDriver {
    var driver = RunnerDriver { $0.extent = .drain }
    driver.consume(hasRetries: true)
    let names = driver.handle(.timer(.idle)).writes[0].map { method -> ByteString in
      if case .queueDeclare(let declaration) = method { declaration.name } else { "" }
    }
    #expect(names == ["q", "q.retry", "q.marks", "q"])
    return driver
  }

  /// What is in the retry queue and in the queue of marks.
  private func counted(_ retries: UInt32, marks: UInt32 = 0, _ driver: inout RunnerDriver) {
    driver.method(.queueDeclareOK(.init(name: "q.retry", messageCount: retries, consumerCount: 0)))
    driver.method(.queueDeclareOK(.init(name: "q.marks", messageCount: marks, consumerCount: 0)))
  }

  @Test func anItemInTheRetryQueueIsWaitedFor() {
    var driver = probingRetries()
    _ = driver.counted(0, 1)
    counted(1, &driver)
    // It is not got.
    #expect(driver.counted(0, 1).writes == [[.basicCancel(consumerTag: "amqp-job-1")]])
    #expect(driver.runner.drain.finding == .retries)
  }

  @Test func anEmptyRetryQueueHasToBeItsLeadersWord() {
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

  @Test func aLeaderThatDoesNotAnswerIsNotWaitedForForEver() {
    var driver = probingRetries()
    _ = driver.counted(0, 1)
    counted(0, &driver)
    _ = driver.counted(0, 1)
    #expect(driver.handle(.timer(.connectLimit)).finished == .unreachable)
  }

  @Test func whatALookGetsGoesBackToTheRetryQueue() {
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

  @Test func allOurConsumersAreOurOwn() {
    var driver = waiting {
      $0.parallelism = 3
      $0.extent = .count(5)
    }
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 3)
    #expect(driver.counted(0, 3).writes[0].count == 3)
    #expect(driver.runner.drain.finding == .empty)
  }

  @Test func anEmptyQueueIsGrantedItsTimeAtFirst() {
    var driver = RunnerDriver {
      $0.whenEmpty = .exit
      $0.waitFirst = .seconds(60)
      $0.extent = .count(2)
    }
    #expect(driver.consume().sets(.idle, after: .seconds(60)))
    driver.deliver()
    #expect(driver.handle(.workerEnded(.exited(0))).sets(.idle, after: .milliseconds(250)))
  }

  // MARK: What is on its way back

  private static func with(_ headers: FieldTable) -> BasicProperties {
    var properties = BasicProperties()
    properties.headers = headers
    return properties
  }

  private static let back = with(["x-amqp-job-attempts": .int64(1), "x-first-death-queue": .string("q.retry")])
  private static let takesMark = AMQP.Method.basicGet(queue: "q.marks", noAck: true)
  private static let ack = AMQP.Method.basicAck(deliveryTag: 1, multiple: false)

  /// A look that finds so many marks and nothing else.
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

  @Test func whatIsOnItsWayBackIsWaitedFor() {
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

  @Test func marksOfWhichNoItemComesAreTakenAwayInTheEnd() {
    var driver = probingRetries()
    for pause in [1, 300] {
      #expect(look(marks: 2, &driver).writes.isEmpty)
      driver.now += .seconds(pause)
      driver.handle(.timer(.probe))
    }
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

  @Test func othersWhoLookTooDoNotPutThatOff() {
    var driver = probingRetries()
    for _ in 0..<2 {
      _ = look(marks: 1, &driver)
      driver.handle(.timer(.probe))
    }
    othersAreThere(for: 300, &driver)
    #expect(look(marks: 1, &driver).writes == [[.channelOpen, Self.takesMark]])
  }

  /// The mark is that of an item which another runner has in hand, and settles in that moment.
  @Test func aMarkInSomebodysHandIsNotTakenAway() {
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

  @Test(arguments: [
    (BasicProperties(), false), (with(["x-first-death-queue": .string("another")]), false),
    (back, true), (with(["x-first-death-queue": .string("q.retry"), "x-acquired-count": .int64(1)]), true),
  ])
  func theMarkGoesWithTheItem(properties: BasicProperties, isMarked: Bool) {
    for isRedelivered in [false, true] {
      var driver = RunnerDriver { $0.extent = .drain }
      driver.consume(hasRetries: true)
      let early = driver.deliver(properties, isRedelivered: isRedelivered)
      #expect(!early.writes.joined().contains(Self.takesMark))
      // A return that the queue does not count is counted in a copy first.
      let late = driver.handle(early.moves.isEmpty ? .workerEnded(.exited(0)) : .moveConfirmed(slot: 0))
      #expect(late.writes.joined().contains(Self.takesMark) == isMarked)
    }
  }

  @Test func anItemThatIsToBeTriedAgainKeepsItsMark() {
    var driver = RunnerDriver { $0.extent = .drain }
    driver.consume(hasRetries: true)
    driver.deliver(Self.back)
    let failed = driver.handle(.workerEnded(.exited(1)))
    #expect(failed.moves.count == 1)
    let settled = driver.handle(.moveConfirmed(slot: 0))
    #expect(settled.writes.joined().contains(Self.ack))
    #expect(!(failed + settled).writes.joined().contains(Self.takesMark))
  }

  @Test func aDeadLetterHasNoMark() {
    var driver = RunnerDriver {
      $0.extent = .drain
      $0.attempts.maxAttempts = 2
    }
    driver.consume(hasRetries: true)
    driver.deliver(Self.back)
    driver.handle(.workerEnded(.exited(1)))
    #expect(driver.handle(.moveConfirmed(slot: 0)).writes.contains([Self.ack, .channelOpen, Self.takesMark]))
  }

  @Test func aUserWhoMayNotTakeMarksIsToldSo() {
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
