import AMQP
import Broker
import Linux
import Testing

@testable import JobRunner

/// Items that come before it is known whether their queue has a retry and a dead-letter queue.
@Suite struct EarlyDeliveryTests {
  /// Connected, and consuming from a queue of which that much is known.
  private static func early(_ configure: (inout JobOptions) -> Void = { _ in }) -> RunnerDriver {
    var driver = RunnerDriver(configure)
    _ = driver.start()
    driver.handle(.connected)
    driver.method(RunnerDriver.inspection, on: 2)
    driver.method(RunnerDriver.found, on: 3)
    return driver
  }

  @Test func consumesOnceTheQueueIsKnownToBeThereAndServiceable() {
    var driver = RunnerDriver()
    _ = driver.start()
    driver.handle(.connected)
    #expect(driver.method(RunnerDriver.found, on: 3).writes.isEmpty)
    #expect(driver.method(RunnerDriver.inspection, on: 2).writes.count == 1)
    #expect(driver.method(RunnerDriver.found, on: 3).writes.isEmpty)
  }

  @Test(arguments: [[RunnerDriver.missing], [RunnerDriver.found, RunnerDriver.found]])
  func anItemWaitsForTheLastAnswer(answers: [AMQP.Method]) {
    var driver = Self.early()
    #expect(driver.deliver().isEmpty)
    let actions = answers.map { driver.method($0, on: 3) }
    #expect(actions.map(\.startsWorker) == answers.indices.map { $0 == answers.count - 1 })
    #expect(driver.runner.policy.hasRetries == (answers.count == 2))
  }

  @Test func oneWithoutAnAttemptLeftIsNotRun() {
    var driver = Self.early()
    var properties = BasicProperties()
    properties.headers = ["x-amqp-job-attempts": .int64(3)]
    driver.deliver(properties)
    driver.method(RunnerDriver.found, on: 3)
    driver.method(.basicQoSOK)
    let actions = driver.answered(driver.method(RunnerDriver.found, on: 3))
    #expect(!actions.startsWorker && actions.moves.map(\.attempts) == [3])
  }

  @Test func isPutBackUnrunByARunnerThatIsToldToEnd() {
    var driver = Self.early()
    driver.deliver()
    let actions = driver.handle(.signal(.terminate))
    #expect(!actions.startsWorker && actions.moves == [Move(destination: .queue, attempts: 0)])
    driver.handle(.moveConfirmed(slot: 0))
    #expect(driver.settle().finished == .signal(.terminate))
  }

  @Test func goesWithItsConnection() {
    var driver = Self.early()
    driver.deliver()
    #expect(driver.handle(RunnerDriver.lost()).contains(.releaseBody(slot: 0)))
    driver.handle(.timer(.retry))
    driver.handle(.connected)
    #expect(!driver.inspect().startsWorker)
    #expect(driver.deliver(isRedelivered: true).startsWorker)
  }

  @Test func goesWithItsChannel() {
    var driver = Self.early()
    driver.deliver()
    let gone = Method.channelClose(CloseReason(code: .notFound, text: "NOT_FOUND - no queue 'q'"))
    #expect(driver.method(gone).contains(.releaseBody(slot: 0)))
    #expect(driver.finished == .noQueue)
    #expect(!driver.method(RunnerDriver.missing, on: 3).startsWorker)
  }

  @Test func isNotHeldForABrokerThatNeverAnswers() {
    var driver = Self.early()
    let consuming = driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    #expect(!consuming.contains(.cancel(.connectLimit)))
    driver.deliver()
    #expect(driver.handle(.timer(.connectLimit)).finished == .unreachable)
  }

  @Test func theBrokersTimeIsOverWithItsLastAnswer() {
    var driver = Self.early()
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    #expect(driver.method(RunnerDriver.missing, on: 3).contains(.cancel(.connectLimit)))
  }

  @Test func whatNeedsRetriesWaitsForAllAnswersBeforeItConsumes() {
    var driver = RunnerDriver { $0.attempts.areRequired = true }
    _ = driver.start()
    driver.handle(.connected)
    driver.method(RunnerDriver.inspection, on: 2)
    let writes = (1...3).map { _ in driver.method(RunnerDriver.found, on: 3).writes.count }
    #expect(writes == [0, 0, 1])
  }

  @Test func aRetryQueueWhoseNodeIsDownIsNotMissing() {
    var driver = Self.early()
    let text = "NOT_FOUND - home node 'rabbit@b' of durable queue 'q.retry' in vhost '/' is down or inaccessible"
    let actions = driver.method(.channelClose(CloseReason(code: .notFound, text: text)), on: 3)
    #expect(actions.contains(.disconnect) && driver.finished == nil)
  }
}
