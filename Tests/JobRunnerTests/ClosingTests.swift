import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

@Suite struct ClosingTests {
  /// The only item is done and settled, and the connection is being closed.
  private func closing() -> (driver: RunnerDriver, actions: [RunnerAction]) {
    var driver = RunnerDriver()
    driver.closesAtOnce = false
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    let actions = driver.settle()
    return (driver, actions)
  }

  @Test func theEndIsThatOfItsConnections() {
    var (driver, actions) = closing()
    #expect(actions.contains(.closeConnections) && actions.sets(.closeLimit, after: .seconds(5)))
    #expect(driver.finished == nil)
    #expect(driver.handle(.connectionsClosed).finished == .success)
    #expect(driver.handle(.timer(.closeLimit)).isEmpty)
  }

  @Test func aBrokerThatDoesNotAnswerIsNotWaitedForForEver() {
    var (driver, _) = closing()
    #expect(driver.handle(.timer(.closeLimit)).finished == .success)
  }

  @Test func aSignalHurriesIt() {
    var (driver, _) = closing()
    let actions = driver.handle(.signal(.terminate))
    #expect(actions == [.set(.closeLimit, after: .milliseconds(400))])
    #expect(driver.handle(.timer(.closeLimit)).finished == .success)
  }

  @Test func whoIsToldToEndWhileIdleIsHurried() {
    var driver = RunnerDriver()
    driver.closesAtOnce = false
    driver.consume()
    driver.handle(.signal(.terminate))
    let actions = driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    #expect(actions.sets(.closeLimit, after: .milliseconds(400)))
    #expect(driver.handle(.connectionsClosed).finished == .signal(.terminate))
  }

  @Test func anEndInTheMiddleOfTheLoginIsHurried() {
    var driver = RunnerDriver()
    driver.closesAtOnce = false
    _ = driver.start()
    #expect(driver.handle(.timer(.connectLimit)).sets(.closeLimit, after: .milliseconds(400)))
  }

  @Test func aBrokerThatDidNotAnswerTheSettlementHasLessTime() {
    var driver = RunnerDriver()
    driver.closesAtOnce = false
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    let actions = driver.handle(.timer(.settlementLimit))
    #expect(actions.sets(.closeLimit, after: .milliseconds(400)))
    #expect(driver.handle(.timer(.closeLimit)).finished == .temporaryFailure)
  }

  @Test func nothingThatStillComesCounts() {
    var (driver, _) = closing()
    #expect(driver.handle(RunnerDriver.lost()).isEmpty && driver.deliver().isEmpty)
    #expect(driver.handle(.connectionsClosed).finished == .success)
  }
}
