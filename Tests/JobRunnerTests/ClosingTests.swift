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

  @Test("A runner ends when its connections are closed") func theEndIsThatOfItsConnections() {
    var (driver, actions) = closing()
    #expect(actions.contains(.closeConnections) && actions.sets(.closeLimit, after: .seconds(5)))
    #expect(driver.finished == nil)
    #expect(driver.handle(.connectionsClosed).finished == .success)
    #expect(driver.handle(.timer(.closeLimit)).isEmpty)
  }

  @Test("A broker that does not answer a close is not waited for without end")
  func aBrokerThatDoesNotAnswerIsNotWaitedForForEver() {
    var (driver, _) = closing()
    #expect(driver.handle(.timer(.closeLimit)).finished == .success)
  }

  @Test("A signal shortens the wait for the closes") func aSignalHurriesIt() {
    var (driver, _) = closing()
    let actions = driver.handle(.signal(.terminate))
    #expect(actions == [.set(.closeLimit, after: .milliseconds(400))])
    #expect(driver.handle(.timer(.closeLimit)).finished == .success)
  }

  @Test("An idle runner that a signal ends does not wait long for the closes") func whoIsToldToEndWhileIdleIsHurried() {
    var driver = RunnerDriver()
    driver.closesAtOnce = false
    driver.consume()
    driver.handle(.signal(.terminate))
    let actions = driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    #expect(actions.sets(.closeLimit, after: .milliseconds(400)))
    #expect(driver.handle(.connectionsClosed).finished == .signal(.terminate))
  }

  @Test("A runner that ends during the login does not wait long for the closes")
  func anEndInTheMiddleOfTheLoginIsHurried() {
    var driver = RunnerDriver()
    driver.closesAtOnce = false
    _ = driver.start()
    #expect(driver.handle(.timer(.connectLimit)).sets(.closeLimit, after: .milliseconds(400)))
  }

  @Test("A broker that did not answer the settlement has less time for the close")
  func aBrokerThatDidNotAnswerTheSettlementHasLessTime() {
    var driver = RunnerDriver()
    driver.closesAtOnce = false
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    let actions = driver.handle(.timer(.settlementLimit))
    #expect(actions.sets(.closeLimit, after: .milliseconds(400)))
    #expect(driver.handle(.timer(.closeLimit)).finished == .temporaryFailure)
  }

  @Test("Nothing that comes while the connections are closed counts") func nothingThatStillComesCounts() {
    var (driver, _) = closing()
    #expect(driver.handle(RunnerDriver.lost()).isEmpty && driver.deliver().isEmpty)
    #expect(driver.handle(.connectionsClosed).finished == .success)
  }
}
