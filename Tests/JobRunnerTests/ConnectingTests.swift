import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

@Suite struct ConnectingTests {
  @Test func asksAboutTheQueueWithTheLogin() {
    var driver = RunnerDriver()
    guard case .connect(let questions)? = driver.start().first else {
      Issue.record("it does not connect first")
      return
    }
    #expect(questions.last == ChannelMethod(.channelOpen, on: 1))
    #expect(questions.dropLast().map(\.channel) == [2, 2, 2, 2, 2])
  }

  @Test func consumesOneItemOnceTheQueueIsKnown() {
    var driver = RunnerDriver()
    #expect(
      driver.open().writes == [
        [
          .basicQoS(prefetchCount: 1),
          .basicConsume(queue: "q", consumerTag: "amqp-job-1", arguments: Slot.arguments(priority: 0)),
        ]
      ])
  }

  @Test func consumesNothingBeforeTheQueueIsInspected() {
    var driver = RunnerDriver()
    _ = driver.start()
    #expect(driver.handle(.connected(nil)).writes.isEmpty)
    #expect(driver.method(.channelOpenOK).writes.isEmpty)
    #expect(driver.method(RunnerDriver.plain, on: 2).writes.map(\.first) == [.channelOpen])
    #expect(driver.method(RunnerDriver.found, on: 2).writes.count == 1)
  }

  @Test func inspectsAQueueAnewWithEachConnection() {
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

  @Test func aQueueThatIsAnotherOneByNowIsNotConsumed() {
    var driver = RunnerDriver()
    driver.consume()
    driver.method(.basicCancel(consumerTag: "amqp-job-1"))
    driver.method(RunnerDriver.differs("auto_delete", "received 'false' but current is 'true'"), on: 2)
    #expect(driver.finished == .wrongQueue)
  }

  @Test func triesAgainWithGrowingPausesUntilItsTimeIsUp() {
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

  @Test func triesItsBrokersInTurn() {
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

  @Test func aBrokerThatNeverAnswersTheConsumerIsNotWaitedForForEver() {
    var driver = RunnerDriver()
    driver.open()
    let end = driver.handle(.timer(.connectLimit))
    #expect(end.finished == .unreachable && end.errors[0].contains("broker:5672"))
  }

  @Test func aRefusedLoginIsFinal() {
    var driver = RunnerDriver()
    _ = driver.start()
    let actions = driver.handle(RunnerDriver.lost(.loginRefused))
    #expect(actions.finished == .notPermitted && actions.errors.count == 1)
  }

  @Test(arguments: [
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

  @Test func aQueueWhoseNodeIsDownMayComeBack() {
    var driver = RunnerDriver()
    _ = driver.start()
    driver.handle(.connected(nil))
    let text = "NOT_FOUND - home node 'rabbit@b' of durable queue 'q' in vhost '/' is down or inaccessible"
    let actions = driver.method(.channelClose(CloseReason(code: .notFound, text: text)), on: 2)
    #expect(actions.contains(.disconnect) && actions.finished == nil)
    #expect(driver.handle(.timer(.connectLimit)).finished == .unreachable)
  }

  @Test func aNodeThatIsDownTakesTheOthersItemsWithIt() {
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

  @Test func aMissingQueueIsGrantedItsTime() {
    var driver = RunnerDriver { $0.waitFirst = .seconds(10) }
    _ = driver.start()
    driver.handle(.connected(nil))
    #expect(driver.method(RunnerDriver.notMade(), on: 2).sets(.retry, after: .seconds(1)))
    #expect(driver.handle(.timer(.retry)).writes.count == 1)
    driver.now += .seconds(10)
    #expect(driver.method(RunnerDriver.notMade(), on: 2).errors.count == 1)
    #expect(driver.finished == .noQueue)
  }

  @Test func aQueueDeletedWhileWaitingEndsIt() {
    var driver = RunnerDriver()
    driver.consume()
    #expect(driver.method(.basicCancel(consumerTag: "amqp-job-1")).writes.count == 1)
    driver.method(RunnerDriver.notMade(), on: 2)
    #expect(driver.finished == .noQueue)
  }

  @Test func knowsAQueueWithRetriesByItsFamily() {
    var driver = RunnerDriver()
    #expect(driver.open(hasRetries: true).writes.count == 1)
    #expect(driver.runner.policy.hasRetries)
  }

  @Test func whatNeedsRetriesIsNotIgnoredOnAQueueWithout() {
    var driver = RunnerDriver { $0.attempts.areRequired = true }
    let actions = driver.open()
    #expect(actions.writes.isEmpty && actions.errors.count == 1 && driver.finished == .wrongQueue)
  }

  @Test func anIdleRunnerConnectsAgain() {
    var driver = RunnerDriver()
    driver.consume()
    let actions = driver.handle(RunnerDriver.lost())
    #expect(actions.sets(.connectLimit, after: .seconds(60)) && actions.finished == nil)
  }

  @Test func aPauseIsNoSilenceOfTheBrokers() {
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

  @Test func saysWhatItWaitsFor() {
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

  @Test func aTokenThatRanOutUnderAWorkerIsNoFaultOfTheNetwork() {
    var driver = RunnerDriver { $0.connection.credentialsMayChange = true }
    driver.work()
    driver.handle(Self.expired)
    driver.handle(.workerEnded(.killed(.terminate)))
    #expect(driver.finished == .notPermitted)
  }

  @Test func whatWasRefusedMayBeReplacedIfItWasGoodBefore() {
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

  @Test(arguments: [JobOptions.Extent.count(1), .forever])
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

  @Test(arguments: [true, false])
  func aFirstLoginThatIsRefusedIsTheEnd(mayChange: Bool) {
    var driver = RunnerDriver { $0.connection.credentialsMayChange = mayChange }
    _ = driver.start()
    #expect(driver.handle(RunnerDriver.lost(.loginRefused)).finished == .notPermitted)
  }
}
