import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

@Suite struct ConnectingTests {
  @Test("A runner asks about its queue together with the login") func asksAboutTheQueueWithTheLogin() {
    var driver = RunnerDriver()
    guard case .connect(let questions)? = driver.start().first else {
      Issue.record("it does not connect first")
      return
    }
    #expect(questions.last == ChannelMethod(.channelOpen, on: 1))
    #expect(questions.dropLast().map(\.channel) == [2, 2, 2, 2, 2])
  }

  @Test("A runner consumes one item once its queue is known") func consumesOneItemOnceTheQueueIsKnown() {
    var driver = RunnerDriver()
    #expect(
      driver.open().writes == [
        [
          .basicQoS(prefetchCount: 1),
          .basicConsume(queue: "q", consumerTag: "amqp-job-1", arguments: Slot.arguments(priority: 0)),
        ]
      ])
  }

  @Test("A runner consumes nothing before its queue is inspected") func consumesNothingBeforeTheQueueIsInspected() {
    var driver = RunnerDriver()
    _ = driver.start()
    #expect(driver.handle(.connected(nil)).writes.isEmpty)
    #expect(driver.method(.channelOpenOK).writes.isEmpty)
    #expect(driver.method(RunnerDriver.plain, on: 2).writes.map(\.first) == [.channelOpen])
    #expect(driver.method(RunnerDriver.found, on: 2).writes.count == 1)
  }

  @Test("A runner inspects its queue again on each connection") func inspectsAQueueAnewWithEachConnection() {
    var driver = RunnerDriver()
    driver.consume()
    driver.handle(RunnerDriver.lost())
    driver.handle(.timer(.retry))
    #expect(driver.handle(.connected(nil)).writes.isEmpty)
    #expect(
      driver.inspect().writes == [
        [
          .basicQoS(prefetchCount: 1),
          .basicConsume(queue: "q", consumerTag: "amqp-job-2", arguments: Slot.arguments(priority: 0)),
        ]
      ])
  }

  @Test("A queue that has become another one is not consumed") func aQueueThatIsAnotherOneByNowIsNotConsumed() {
    var driver = RunnerDriver()
    driver.consume()
    driver.method(.basicCancel(consumerTag: "amqp-job-1"))
    driver.method(RunnerDriver.differs("auto_delete", "received 'false' but current is 'true'"), on: 2)
    driver.method(RunnerDriver.plain, on: 2)
    #expect(driver.finished == .wrongQueue)
  }

  @Test("A runner tries to connect with growing pauses until its time is up")
  func triesAgainWithGrowingPausesUntilItsTimeIsUp() {
    var driver = RunnerDriver { $0.connection.connectTimeout = .seconds(30) }
    #expect(driver.start().sets(.connectLimit, after: .seconds(30)))
    #expect(driver.handle(RunnerDriver.lost(.unreachable)).sets(.retry, after: .milliseconds(250)))
    guard case .connect? = driver.handle(.timer(.retry)).first else {
      Issue.record("it does not connect again")
      return
    }
    #expect(driver.handle(RunnerDriver.lost(.unreachable)).sets(.retry, after: .milliseconds(500)))
    let end = driver.handle(.timer(.connectLimit))
    #expect(end.finished == .unreachable && end.errors.count == 1 && end.errors[0].contains("gone"))
  }

  @Test("A runner tries its brokers in turn") func triesItsBrokersInTurn() {
    let brokers = [BrokerURL(host: "a"), BrokerURL(host: "b")]
    var driver = RunnerDriver { $0.brokers = brokers }
    _ = driver.start()
    var hosts = [driver.runner.broker.host]
    for _ in 0..<2 {
      driver.handle(RunnerDriver.lost(.unreachable))
      driver.handle(.timer(.retry))
      hosts.append(driver.runner.broker.host)
    }
    #expect(hosts == ["a", "b", "a"])
  }

  @Test("A broker that never answers the consumer is not waited for without end")
  func aBrokerThatNeverAnswersTheConsumerIsNotWaitedForForEver() {
    var driver = RunnerDriver()
    driver.open()
    let end = driver.handle(.timer(.connectLimit))
    #expect(end.finished == .unreachable && end.errors[0].contains("broker:5672"))
  }

  @Test("A refused login ends the runner") func aRefusedLoginIsFinal() {
    var driver = RunnerDriver()
    _ = driver.start()
    let actions = driver.handle(RunnerDriver.lost(.loginRefused))
    #expect(actions.finished == .notPermitted && actions.errors.count == 1)
  }

  @Test(
    "A refused queue ends the runner with the status of the refusal",
    arguments: [
      (ReplyCode.notFound, Console.ExitStatus.noQueue), (.resourceLocked, .wrongQueue),
      (.preconditionFailed, .notPermitted),
      (.internalError, .temporaryFailure),
    ])
  func aQueueThatIsRefusedEndsIt(code: ReplyCode, status: Console.ExitStatus) {
    var driver = RunnerDriver()
    _ = driver.start()
    driver.handle(.connected(nil))
    #expect(driver.method(.channelClose(CloseReason(code: code, text: "why")), on: 2).errors.count == 1)
    #expect(driver.finished == status)
  }

  @Test("A queue whose node is down is waited for") func aQueueWhoseNodeIsDownMayComeBack() {
    var driver = RunnerDriver()
    _ = driver.start()
    driver.handle(.connected(nil))
    let text = "NOT_FOUND - home node 'rabbit@b' of durable queue 'q' in vhost '/' is down or inaccessible"
    let actions = driver.method(.channelClose(CloseReason(code: .notFound, text: text)), on: 2)
    #expect(actions.contains(.disconnect) && actions.finished == nil)
    #expect(driver.handle(.timer(.connectLimit)).finished == .unreachable)
  }

  @Test("A queue whose node goes down stops the workers of all its items")
  func aNodeThatIsDownTakesTheOthersItemsWithIt() {
    var driver = RunnerDriver {
      $0.extent = .forever
      $0.parallelism = 2
    }
    driver.consume()
    driver.deliver(slot: 0)
    driver.method(.basicCancel(consumerTag: "amqp-job-1"), on: 2)
    let text = "NOT_FOUND - home node 'rabbit@b' of durable queue 'q' in vhost '/' is down or inaccessible"
    let actions = driver.method(.channelClose(CloseReason(code: .notFound, text: text)), on: 2)
    #expect(actions.contains(.disconnect) && actions.signals == [.terminate] && actions.errors.count == 1)
    #expect(driver.handle(.workerEnded(.exited(0))).writes.isEmpty)
    #expect(driver.finished == .temporaryFailure)
  }

  @Test("A missing queue is waited for as long as the user allows") func aMissingQueueIsGrantedItsTime() {
    var driver = RunnerDriver { $0.waitFirst = .seconds(10) }
    _ = driver.start()
    driver.handle(.connected(nil))
    #expect(driver.method(RunnerDriver.notMade(), on: 2).sets(.retry, after: .seconds(1)))
    #expect(driver.handle(.timer(.retry)).writes.count == 1)
    driver.now += .seconds(10)
    #expect(driver.method(RunnerDriver.notMade(), on: 2).errors.count == 1)
    #expect(driver.finished == .noQueue)
  }

  @Test("A queue that is deleted while the runner waits ends it") func aQueueDeletedWhileWaitingEndsIt() {
    var driver = RunnerDriver()
    driver.consume()
    #expect(driver.method(.basicCancel(consumerTag: "amqp-job-1")).writes.count == 1)
    driver.method(RunnerDriver.notMade(), on: 2)
    #expect(driver.finished == .noQueue)
  }

  @Test("A queue with retries is known by its family") func knowsAQueueWithRetriesByItsFamily() {
    var driver = RunnerDriver()
    #expect(driver.open(hasRetries: true).writes.count == 1)
    #expect(driver.runner.policy.hasRetries)
  }

  @Test("Options that need a retry queue end a runner on a queue without one")
  func whatNeedsRetriesIsNotIgnoredOnAQueueWithout() {
    var driver = RunnerDriver { $0.attempts.areRequired = true }
    let actions = driver.open()
    #expect(actions.writes.isEmpty && actions.errors.count == 1 && driver.finished == .wrongQueue)
  }

  @Test("An idle runner that loses its connection connects again") func anIdleRunnerConnectsAgain() {
    var driver = RunnerDriver()
    driver.consume()
    let actions = driver.handle(RunnerDriver.lost())
    #expect(actions.sets(.connectLimit, after: .seconds(60)) && actions.finished == nil)
  }

  @Test("A pause after failures does not count as a silence of the broker") func aPauseIsNoSilenceOfTheBrokers() {
    var driver = RunnerDriver { $0.extent = .forever }
    driver.consume()
    for _ in 1...2 {
      driver.deliver()
      driver.handle(.workerEnded(.exited(1)))
    }
    driver.handle(RunnerDriver.lost())
    driver.handle(.connected(nil))
    #expect(driver.handle(.timer(.connectLimit)).sets(.connectLimit, after: .seconds(60)))
  }

  @Test("A runner says what it waits for") func saysWhatItWaitsFor() {
    var driver = RunnerDriver()
    driver.consume()
    driver.now += .seconds(120)
    let actions = driver.handle(.timer(.report))
    #expect(actions.sets(.report, after: .seconds(60)))
    #expect(
      actions.first == .log(LogEntry(.notice, "waiting for an item in queue 'q' at broker:5672 (2 min)")))
  }

  // MARK: Credentials that change

  private static let expired: RunnerEvent = {
    var failure = BrokerFailure(.lost, broker: RunnerDriver.broker, detail: "gone")
    failure.isAboutCredentials = true
    return .connectionFailed(failure)
  }()

  @Test("A token that runs out under a worker ends the runner with 77")
  func aTokenThatRanOutUnderAWorkerIsNoFaultOfTheNetwork() {
    var driver = RunnerDriver { $0.connection.credentialsMayChange = true }
    driver.work()
    driver.handle(Self.expired)
    driver.handle(.workerEnded(.killed(.terminate)))
    #expect(driver.finished == .notPermitted)
  }

  @Test("A login that succeeded before is tried again if it may be replaced")
  func whatWasRefusedMayBeReplacedIfItWasGoodBefore() {
    var driver = RunnerDriver { $0.connection.credentialsMayChange = true }
    driver.consume()
    driver.handle(RunnerDriver.lost())
    let actions = driver.handle(RunnerDriver.lost(.loginRefused))
    #expect(actions.delay(of: .retry) != nil && driver.finished == nil)
    #expect(actions.warnings.count == 1)
    driver.handle(.timer(.retry))
    #expect(driver.handle(RunnerDriver.lost(.loginRefused)).warnings.isEmpty)
    driver.handle(.timer(.retry))
    driver.reconnect()
    #expect(driver.runner.phase == .serving)
  }

  @Test("A login that is not replaced in time ends the runner", arguments: [JobOptions.Extent.count(1), .forever])
  func whatIsNotReplacedInTimeIsRefused(extent: JobOptions.Extent) {
    var driver = RunnerDriver {
      $0.connection.credentialsMayChange = true
      $0.extent = extent
    }
    driver.consume()
    driver.handle(RunnerDriver.lost())
    driver.handle(RunnerDriver.lost(.loginRefused))
    let end = driver.handle(.timer(.connectLimit))
    #expect(end.finished == .notPermitted && end.errors.first?.contains("check user, password") == true)
  }

  @Test("A first login that is refused ends the runner", arguments: [true, false])
  func aFirstLoginThatIsRefusedIsTheEnd(mayChange: Bool) {
    var driver = RunnerDriver { $0.connection.credentialsMayChange = mayChange }
    _ = driver.start()
    #expect(driver.handle(RunnerDriver.lost(.loginRefused)).finished == .notPermitted)
  }
}
