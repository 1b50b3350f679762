import AMQP
import Broker
import Linux
import Testing

@testable import JobRunner

/// Items that come while the broker has not answered all that was asked about their queue.
@Suite struct EarlyDeliveryTests {
  /// Connected, and consuming from a queue of which so much is known that this can do no harm.
  private static func early(_ configure: (inout JobOptions) -> Void = { _ in }) -> RunnerDriver {
    var driver = RunnerDriver(configure)
    _ = driver.start()
    driver.handle(.connected(ServerVersion(3, 10)))
    driver.method(RunnerDriver.plain, on: 2)
    return driver
  }

  @Test func consumesOnceTheQueueIsKnownToLast() {
    var driver = RunnerDriver()
    _ = driver.start()
    driver.handle(.connected(ServerVersion(3, 10)))
    #expect(
      driver.method(RunnerDriver.plain, on: 2).writes.map(\.first) == [.channelOpen, .basicQoS(prefetchCount: 1)])
    #expect(driver.method(RunnerDriver.found, on: 2).writes.isEmpty)
  }

  @Test func aServerThatDropsWhatComesBackIsAskedForTheTypeFirst() {
    var driver = RunnerDriver()
    _ = driver.start()
    driver.handle(.connected(ServerVersion(4, 0)))
    #expect(driver.method(RunnerDriver.plain, on: 2).writes.map(\.first) == [.channelOpen])
    #expect(driver.method(RunnerDriver.found, on: 2).writes.map(\.first) == [.basicQoS(prefetchCount: 1)])
  }

  @Test func anItemWaitsForTheLastAnswer() {
    var driver = Self.early()
    #expect(driver.deliver().isEmpty)
    #expect(driver.method(RunnerDriver.found, on: 2).startsWorker)
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
    driver.handle(.connected(nil))
    #expect(!driver.inspect().startsWorker)
    #expect(driver.deliver(isRedelivered: true).startsWorker)
  }

  @Test func goesWithItsChannel() {
    var driver = Self.early()
    driver.deliver()
    let gone = Method.channelClose(CloseReason(code: .notFound, text: "NOT_FOUND - no queue 'q'"))
    #expect(driver.method(gone).contains(.releaseBody(slot: 0)))
    #expect(driver.finished == .noQueue)
    #expect(!driver.method(RunnerDriver.found, on: 2).startsWorker)
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
    #expect(driver.method(RunnerDriver.found, on: 2).contains(.cancel(.connectLimit)))
  }

  @Test func whatNeedsRetriesWaitsForAllAnswersBeforeItConsumes() {
    var driver = RunnerDriver { $0.attempts.areRequired = true }
    _ = driver.start()
    driver.handle(.connected(nil))
    let writes = (1...3).map { _ in driver.method(RunnerDriver.found, on: 2).writes.count }
    #expect(writes == [0, 0, 1])
  }
}
