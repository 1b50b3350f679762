import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// What the runner concludes from the broker's answers about its queue.
@Suite struct InspectionTests {
  static func connected(
    to server: ServerVersion? = ServerVersion(4, 0), _ configure: (inout JobOptions) -> Void = { _ in }
  ) -> RunnerDriver {
    var driver = RunnerDriver(configure)
    _ = driver.start()
    driver.handle(.connected(server))
    return driver
  }

  static func refusal(_ code: ReplyCode, _ text: String = "why") -> AMQP.Method {
    .channelClose(CloseReason(code: code, text: text))
  }

  private static func ofType(_ type: String) -> AMQP.Method {
    refusal(
      .preconditionFailed,
      "PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue 'q' in vhost '/' of queue type rabbit_\(type)_queue"
    )
  }

  // MARK: What cannot be served

  @Test(
    "A queue that may lose its items is not consumed",
    arguments: [
      RunnerDriver.differs("durable", "received 'true' but current is 'false'"),
      RunnerDriver.differs("auto_delete", "received 'false' but current is 'true'"),
      RunnerDriver.differs("exclusive", "received 'false' but current is 'true'"),
      RunnerDriver.differs("x-queue-type", "received 'quorum' but current is 'stream'"),
      RunnerDriver.differs("x-queue-type", "received 'quorum' but current is 'something-new'"),
    ])
  func anUnsafeQueueIsNotConsumed(answer: AMQP.Method) {
    var driver = Self.connected()
    var errors = driver.method(answer, on: 2).errors
    // The broker tells one reason at a time, and the runner wants all of them.
    if driver.finished == nil { errors += driver.method(RunnerDriver.plain, on: 2).errors }
    #expect(errors.count == 1 && driver.finished == .wrongQueue)
  }

  @Test("Unknown words of a broker are not taken for a known kind of queue") func otherWordsAreNotTakenForAKnownKind() {
    var driver = Self.connected()
    driver.method(Self.refusal(.preconditionFailed, "no such argument"), on: 2)
    #expect(driver.finished == .notPermitted)
  }

  @Test("A queue with a limited length does not go with a retry queue")
  func aLengthThatIsLimitedDoesNotGoWithARetryQueue() {
    var driver = Self.connected(to: ServerVersion(3, 10))
    let corrected = driver.method(
      RunnerDriver.differs("x-max-length", "received none but current is the value '2' of type 'signedint'"), on: 2)
    #expect(corrected.writes.map(\.count) == [5])
    for _ in 1...4 { driver.method(RunnerDriver.found, on: 2) }
    #expect(driver.finished == .wrongQueue)
  }

  @Test("A retry queue that was declared otherwise does not count as one")
  func aRetryQueueOfAnotherKindIsNoRetryQueue() {
    var driver = Self.connected()
    driver.method(RunnerDriver.found, on: 2)
    let differs = RunnerDriver.differs(
      "x-dead-letter-exchange", "received the value '' of type 'longstr' but current is none", queue: "q.retry")
    #expect(driver.method(differs, on: 2).errors.count == 1 && driver.finished == .wrongQueue)
  }

  // MARK: What it is

  @Test("A queue that amqp-job declared is known by one question for each of its queues")
  func aQueueAsDeclaredIsKnownByOneQuestionEach() {
    var driver = Self.connected()
    for _ in 1...4 { driver.method(RunnerDriver.found, on: 2) }
    #expect(driver.runner.policy.standing == .declared && driver.runner.phase == .serving)
  }

  @Test("A runner asks no question whose answer makes no difference") func noMoreIsAskedThanMakesADifference() {
    var driver = Self.connected(to: ServerVersion(3, 10))
    #expect(driver.method(RunnerDriver.plain, on: 2).writes.map(\.first) == [.basicQoS(prefetchCount: 1)])
    #expect(driver.runner.policy.standing == .plain(nil))
  }

  @Test("A server that drops items which return often is asked for the queue's type first")
  func aServerThatDropsWhatComesBackIsAskedForTheTypeFirst() {
    var driver = Self.connected(to: ServerVersion(4, 0))
    #expect(driver.method(RunnerDriver.plain, on: 2).writes.map(\.first) == [.channelOpen])
    #expect(driver.method(RunnerDriver.found, on: 2).writes.map(\.first) == [.basicQoS(prefetchCount: 1)])
  }

  @Test("A runner that needs retries consumes only after all answers")
  func whatNeedsRetriesWaitsForAllAnswersBeforeItConsumes() {
    var driver = Self.connected { $0.attempts.areRequired = true }
    let writes = (1...4).map { _ in driver.method(RunnerDriver.found, on: 2).writes.count }
    #expect(writes == [0, 0, 0, 1])
  }

  @Test("A queue whose retry queue is gone still has its dead-letter exchange")
  func aQueueWhoseRetryQueueIsGoneHasADeadLetterExchange() {
    var driver = Self.connected()
    driver.method(RunnerDriver.found, on: 2)
    driver.method(RunnerDriver.notMade("q.retry"), on: 2)
    #expect(
      driver.runner.policy.standing == .deadLettering(DeadLetterTarget(exchange: "", routingKey: "q.dead")))
    let actions = driver.method(RunnerDriver.found, on: 2)
    #expect(actions.warnings.count == 1 && actions.warnings[0].contains("declare q"))
    #expect(driver.runner.phase == .serving)
  }

  @Test("A queue whose dead-letter queue is gone is not served", arguments: [1, 2])
  func aQueueWhoseDeadLetterQueueIsGone(foundBefore: Int) {
    var driver = Self.connected()
    for _ in 1...foundBefore { driver.method(RunnerDriver.found, on: 2) }
    driver.method(RunnerDriver.notMade(foundBefore == 1 ? "q.retry" : "q.dead"), on: 2)
    let missing = CloseReason(code: .notFound, text: "NOT_FOUND - no queue 'q.dead' in vhost '/'")
    let errors = driver.method(.channelClose(missing), on: 2).errors
    #expect(errors.first?.contains("declare q") == true && driver.finished == .wrongQueue)
  }

  @Test("A queue that is called declared and lacks the others may be served without that word")
  func aQueueThatIsCalledDeclaredAndIsNot() {
    var driver = Self.connected { $0.assumed = .declared }
    let errors = driver.method(RunnerDriver.missing, on: 2).errors
    #expect(errors.first?.contains("leave out --assume") == true && driver.finished == .wrongQueue)
  }

  @Test("A queue without its queue of marks has to be declared again")
  func aQueueWithoutAQueueOfMarksHasToBeDeclaredAnew() {
    var driver = Self.connected()
    for _ in 1...3 { driver.method(RunnerDriver.found, on: 2) }
    let errors = driver.method(RunnerDriver.notMade("q.marks"), on: 2).errors
    #expect(errors.first?.contains("declare q") == true && driver.finished == .wrongQueue)
  }

  @Test("A dead-letter exchange that the owner chose is found") func theOwnersDeadLetterExchangeIsFound() {
    var driver = Self.connected { $0.attempts.areRequired = true }
    driver.method(
      RunnerDriver.differs("x-dead-letter-exchange", "received '' but current is 'dlx'"), on: 2)
    driver.method(
      RunnerDriver.differs("x-dead-letter-routing-key", "received none but current is the value 'k' of type 'longstr'"),
      on: 2)
    driver.method(RunnerDriver.found, on: 2)
    #expect(driver.runner.policy.standing == .deadLettering(DeadLetterTarget(exchange: "dlx", routingKey: "k")))
  }

  @Test("A plain quorum queue is consumed once copies are known to be possible")
  func aPlainQuorumQueueIsServedOnceCopiesAreKnownToBePossible() {
    var driver = Self.connected()
    driver.method(RunnerDriver.plain, on: 2)
    driver.method(RunnerDriver.differs("x-queue-type", "received 'classic' but current is 'quorum'"), on: 2)
    let asked = driver.method(RunnerDriver.found, on: 2)
    #expect(asked == [.askForPermission])
    #expect(driver.handle(.permission(.granted)).writes.count == 1)
    #expect(driver.runner.policy.standing == .plain(.quorum))
  }

  @Test(
    "A user who may not publish copies takes no item that the broker would drop",
    arguments: [
      (PublishingPermission.refused(CloseReason(code: .accessRefused, text: "no")), Console.ExitStatus.notPermitted),
      (.refused(CloseReason(code: .resourceLocked, text: "no")), .temporaryFailure),
    ])
  func whoMayNotPublishCopiesTakesNothingThatABrokerDrops(
    permission: PublishingPermission, status: Console.ExitStatus
  ) {
    var driver = Self.connected()
    driver.method(RunnerDriver.plain, on: 2)
    driver.method(RunnerDriver.differs("x-queue-type", "received 'classic' but current is 'quorum'"), on: 2)
    driver.method(RunnerDriver.found, on: 2)
    #expect(driver.handle(.permission(permission)).writes.isEmpty)
    #expect(driver.finished == status)
  }

  @Test("The question for the permission to publish is repeated if it cannot be asked")
  func wherePermissionCannotBeAskedForItIsTriedAgain() {
    var driver = Self.connected()
    driver.method(RunnerDriver.plain, on: 2)
    driver.method(RunnerDriver.differs("x-queue-type", "received 'classic' but current is 'quorum'"), on: 2)
    driver.method(RunnerDriver.found, on: 2)
    let pause = driver.handle(.permission(.unknown(reason: "no"))).delay(of: .retry)
    #expect(pause != nil && driver.handle(.timer(.retry)) == [.askForPermission])
    let end = driver.handle(.timer(.connectLimit))
    #expect(end.errors.count == 1 && end.errors[0].contains("no copies"))
  }

  @Test("A server that drops nothing is not asked for the permission to publish")
  func aServerThatDropsNothingIsNotAskedForPermission() {
    var driver = Self.connected(to: ServerVersion(3, 13))
    driver.method(RunnerDriver.plain, on: 2)
    driver.method(RunnerDriver.differs("x-queue-type", "received 'classic' but current is 'quorum'"), on: 2)
    #expect(!driver.method(RunnerDriver.found, on: 2).contains(.askForPermission))
  }

  @Test("A queue that the user describes is consumed at once") func anAssumedQueueIsConsumedAtOnce() {
    var driver = RunnerDriver { $0.assumed = .plain(.classic) }
    guard case .connect(let questions)? = driver.start().first else {
      Issue.record("it does not connect first")
      return
    }
    #expect(questions == [ChannelMethod(.channelOpen, on: 1)])
    #expect(driver.handle(.connected(ServerVersion(4, 0))).writes.count == 1)
  }

  @Test("A queue that the user describes is not consumed without the copies that keep its items")
  func anAssumedQueueIsNotConsumedWithoutTheCopiesThatKeepItsItems() {
    var driver = RunnerDriver { $0.assumed = .plain(.quorum) }
    _ = driver.start()
    #expect(driver.handle(.connected(ServerVersion(4, 0))) == [.askForPermission])
    driver.handle(.permission(.refused(CloseReason(code: .accessRefused, text: "no"))))
    #expect(driver.finished == .notPermitted)
  }

  @Test("A queue that the user describes is consumed at once on a server that drops nothing")
  func anAssumedQueueOfAServerThatDropsNothingIsConsumedAtOnce() {
    var driver = RunnerDriver { $0.assumed = .plain(.quorum) }
    _ = driver.start()
    #expect(driver.handle(.connected(ServerVersion(3, 10))).writes.count == 1)
  }

  // MARK: Without the configure permission

  @Test(
    "What a user with read permission alone may not know is not guessed",
    arguments: [
      ("stream", Console.ExitStatus.wrongQueue), ("classic", .notPermitted), ("mqtt_qos0", .notPermitted),
    ])
  func whatAReaderMayNotKnowIsNotGuessed(type: String, status: Console.ExitStatus) {
    var driver = Self.connected()
    driver.method(Self.refusal(.accessRefused), on: 2)
    let type =
      type == "stream"
      ? Self.refusal(
        .preconditionFailed,
        "PRECONDITION_FAILED - invalid arg 'x-priority' for queue 'q' in vhost '/' of queue type rabbit_stream_queue")
      : Self.ofType(type)
    #expect(driver.method(type, on: 2).errors.count == 1 && driver.finished == status)
  }

  @Test(
    "A user with read permission alone can serve a plain quorum queue", arguments: [ReplyCode.notFound, .accessRefused])
  func aReaderServesAQuorumQueueThatStandsAlone(beside: ReplyCode) {
    var driver = Self.connected(to: ServerVersion(3, 10))
    driver.method(Self.refusal(.accessRefused), on: 2)
    driver.method(Self.ofType("quorum"), on: 2)
    #expect(driver.method(Self.refusal(beside, "NOT_FOUND - no queue 'q.retry'"), on: 2).writes.count == 1)
    #expect(driver.runner.inspection.neighbours == (beside == .notFound ? .absent : .hidden))
  }

  @Test("A user with read permission alone may not know what a retry queue is")
  func aReaderMayNotKnowWhatARetryQueueIs() {
    var driver = Self.connected(to: ServerVersion(3, 10))
    driver.method(Self.refusal(.accessRefused), on: 2)
    driver.method(Self.ofType("quorum"), on: 2)
    for _ in 1...2 { driver.method(RunnerDriver.found, on: 2) }
    #expect(driver.finished == .notPermitted)
  }

  @Test("A queue is not called drained if its retry queue cannot be seen") func nobodySaysDrainedOfWhatCannotBeSeen() {
    var driver = Self.connected(to: ServerVersion(3, 10)) { $0.extent = .drain }
    driver.method(Self.refusal(.accessRefused), on: 2)
    driver.method(Self.ofType("quorum"), on: 2)
    driver.method(Self.refusal(.accessRefused), on: 2)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.now += .seconds(1)
    driver.handle(.timer(.idle))
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    #expect(driver.finished == .notPermitted)
  }
}
