import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// Runs with `--when-empty exit`.
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

  /// One probe of an empty queue.
  private func emptyProbe(_ driver: inout RunnerDriver) -> [RunnerAction] {
    if driver.runner.slots[0].state == .idle { _ = driver.counted(0, 0) }
    _ = driver.counted(0, 1)
    _ = driver.counted(0, 1)
    return driver.method(.basicCancelOK(consumerTag: driver.runner.slots[0].consumerTag))
  }

  @Test("Three empty probes, a second apart, show that the queue is drained") func threeEmptyLooksASecondApartEndIt() {
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

  @Test("An item that failed before the queue was drained still counts as failed") func aFailureBeforeIsStillOne() {
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

  @Test("A queue with another consumer is not drained") func anotherConsumerMayGiveOneBack() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 2)
    #expect(driver.counted(0, 1).writes == [[.basicCancel(consumerTag: "amqp-job-1")]])
    #expect(driver.method(.basicCancelOK(consumerTag: "amqp-job-1")).sets(.probe, after: .seconds(1)))
    for _ in 0..<10 {
      // While the other consumer is there, the runner does not consume, so that it does not hold up anybody else.
      #expect(driver.handle(.timer(.probe)).writes == [[questions[0]]])
      let actions = driver.counted(0, 1)
      #expect(actions.writes.isEmpty && actions.sets(.probe, after: .seconds(1)) && driver.finished == nil)
    }
  }

  @Test("Two runners whose probes met do not meet again") func twoWhoseLooksHaveMetPartAgain() {
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

  @Test("A runner that gives up says what is in the way") func whoGivesUpSaysWhatIsInTheWay() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 2)
    _ = driver.counted(0, 1)
    _ = driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    #expect(driver.handle(.timer(.drainLimit)).errors.first?.contains("others consume") == true)
  }

  @Test("A probe that finds something starts the count anew") func aLookThatFindsSomethingStartsTheCountAnew() {
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

  @Test("An item that a probe finds is consumed") func anItemInTheQueueIsConsumed() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = emptyProbe(&driver)
    driver.handle(.timer(.probe))
    _ = driver.counted(1, 1)
    let actions = driver.counted(1, 1)
    // The consumer of the probe stays attached.
    #expect(actions.writes.isEmpty && driver.runner.phase == .serving)
    #expect(driver.deliver().startsWorker)
  }

  @Test("An item that somebody else gets is not waited for without end")
  func anItemThatSomebodyElseGetsIsNotWaitedForForEver() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(1, 1)
    #expect(driver.counted(0, 1).sets(.idle, after: .milliseconds(250)))
    #expect(driver.handle(.timer(.idle)).writes == [questions])
  }

  @Test("A slot that still waits probes the queue when the others are done")
  func aSlotThatStillWaitsLooksWhenTheOthersAreThrough() {
    var driver = waiting {
      $0.parallelism = 2
      $0.extent = .count(2)
    }
    driver.deliver(slot: 1)
    #expect(driver.handle(.timer(.idle)).isEmpty)
    driver.handle(.workerEnded(.exited(0), slot: 1))
    #expect(driver.method(.channelCloseOK, on: 2).sets(.idle, after: .milliseconds(250)))
  }

  @Test("The next probe waits until a slot with its last item has closed")
  func aLookWaitsForNoSlotThatHasHadItsLastItem() {
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

  @Test("An item that comes during a probe is run, and the answers of the probe are stale")
  func anItemThatComesDuringALookIsRunAndItsAnswersAreStale() {
    var driver = waiting { $0.extent = .count(2) }
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 1)
    #expect(driver.deliver().startsWorker)
    driver.handle(.workerEnded(.exited(0)))
    driver.handle(.timer(.idle))
    driver.method(.basicQoSOK)
    driver.handle(.timer(.idle))
    // This answer still belongs to the first probe.
    _ = driver.counted(0, 1)
    #expect(driver.counted(0, 1).writes.isEmpty)
    #expect(driver.counted(0, 1).writes == [[.basicCancel(consumerTag: "amqp-job-1")]])
  }

  @Test("An item that comes as a probe ends is put back as a copy, and taken again")
  func anItemThatComesAsTheLookEndsIsPutBackAsACopyAndTakenAgain() {
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

  @Test("A signal ends a probe, and an item that comes in that moment is put back")
  func aSignalEndsALookAndPutsBackWhatComesInThatMoment() {
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

  @Test("Answers that do not show the runner's own consumer show nothing")
  func answersThatDoNotShowOurOwnConsumerShowNothing() {
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

  @Test("An item that comes during a probe is an answer of the broker") func anItemThatComesDuringALookIsAnAnswer() {
    var driver = waiting { $0.extent = .count(2) }
    driver.handle(.timer(.idle))
    #expect(driver.deliver().contains(.cancel(.connectLimit)))
  }

  @Test("A broker that never answers the cancel is not waited for without end")
  func aBrokerThatNeverAnswersTheCancelIsNotWaitedForForEver() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 1)
    #expect(!driver.counted(0, 1).contains(.cancel(.connectLimit)))
    #expect(driver.handle(.timer(.connectLimit)).finished == .unreachable)
  }

  @Test("A signal does not wait for the answer to the cancel") func aSignalDoesNotWaitForTheAnswerToTheCancel() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 1)
    _ = driver.counted(0, 1)
    let actions = driver.handle(.signal(.terminate))
    #expect(actions.sets(.settlementLimit, after: .milliseconds(500)))
    #expect(driver.handle(.timer(.settlementLimit)).finished == .signal(.terminate))
  }

  @Test("A runner goes on if the broker takes back the item of a probe")
  func anItemOfALookWhoseChannelIsClosedEndsNoLooking() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 1)
    _ = driver.counted(0, 1)
    driver.deliver()
    let closed = Method.channelClose(CloseReason(code: .preconditionFailed, text: "timed out"))
    let consume = Method.basicConsume(queue: "q", consumerTag: "amqp-job-2", arguments: Slot.arguments(priority: 0))
    #expect(driver.method(closed).writes == [[.channelOpen, .basicQoS(prefetchCount: 1), consume]])
  }

  @Test("The consumers of all slots are the runner's own") func allOurConsumersAreOurOwn() {
    var driver = waiting {
      $0.parallelism = 3
      $0.extent = .count(5)
    }
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 3)
    #expect(driver.counted(0, 3).writes[0].count == 3)
    #expect(driver.runner.drain.finding == .empty)
  }

  @Test("An empty queue is waited for at first as long as the user allows") func anEmptyQueueIsGrantedItsTimeAtFirst() {
    var driver = RunnerDriver {
      $0.whenEmpty = .exit
      $0.waitFirst = .seconds(60)
      $0.extent = .count(2)
    }
    #expect(driver.consume().sets(.idle, after: .seconds(60)))
    driver.deliver()
    #expect(driver.handle(.workerEnded(.exited(0))).sets(.idle, after: .milliseconds(250)))
  }
}
