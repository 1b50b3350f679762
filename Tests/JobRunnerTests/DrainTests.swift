import AMQP
import Linux
import Testing

@testable import JobRunner

/// `--when-empty exit`
@Suite struct DrainTests {
  private func waiting(_ configure: (inout JobOptions) -> Void = { _ in }) -> RunnerDriver {
    var driver = RunnerDriver {
      $0.whenEmpty = .exit
      configure(&$0)
    }
    driver.consume()
    return driver
  }

  /// One look at a queue in which nothing is.
  private func emptyLook(_ driver: inout RunnerDriver) -> [RunnerAction] {
    _ = driver.counted(0, 1)
    driver.method(.basicCancelOK(consumerTag: ""))
    _ = driver.counted(0, 0)
    _ = driver.counted(0, 0)
    driver.method(.basicConsumeOK(consumerTag: ""))
    _ = driver.counted(0, 1)
    return driver.method(.basicCancelOK(consumerTag: ""))
  }

  @Test func threeEmptyLooksASecondApartEndIt() {
    var driver = waiting()
    #expect(driver.handle(.timer(.idle)).writes == [[.queueDeclare(.init(name: "q", isPassive: true))]])
    #expect(emptyLook(&driver).sets(.look, after: .seconds(1)))
    driver.handle(.timer(.look))
    #expect(emptyLook(&driver).sets(.look, after: .seconds(1)))
    driver.handle(.timer(.look))
    let end = emptyLook(&driver)
    #expect(end.contains(.closeConnection) && end.errors.isEmpty)
    #expect(driver.handle(.connectionClosed).finished == .success)
  }

  @Test func aFailureBeforeIsStillOne() {
    var driver = waiting { $0.count = 5 }
    driver.deliver()
    driver.handle(.workerEnded(.exited(3)))
    driver.handle(.timer(.idle))
    for _ in 0..<2 {
      _ = emptyLook(&driver)
      driver.handle(.timer(.look))
    }
    _ = emptyLook(&driver)
    #expect(driver.handle(.connectionClosed).finished == .failure)
  }

  @Test func anotherConsumerMayGiveOneBack() {
    var driver = waiting()
    for _ in 0..<10 {
      driver.handle(.timer(driver.runner.phase == .looking ? .look : .idle))
      _ = driver.counted(0, 2)
      let actions = driver.counted(0, 1)
      #expect(actions.sets(.look, after: .seconds(1)) && actions.finished == nil)
    }
  }

  @Test func aLookThatFindsSomethingStartsTheCountAnew() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    for _ in 0..<2 {
      _ = emptyLook(&driver)
      driver.handle(.timer(.look))
    }
    _ = driver.counted(0, 1)
    #expect(driver.counted(0, 1).sets(.look, after: .seconds(1)))
    driver.handle(.timer(.look))
    for _ in 0..<2 {
      #expect(emptyLook(&driver).sets(.look, after: .seconds(1)))
      driver.handle(.timer(.look))
    }
    #expect(emptyLook(&driver).contains(.closeConnection))
  }

  @Test func anItemInTheQueueIsConsumed() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 1)
    let actions = driver.counted(1, 0)
    #expect(actions.writes == [[.basicConsume(queue: "q", consumerTag: "amqp-job-2")]])
    #expect(actions.sets(.idle, after: .milliseconds(250)))
  }

  @Test func anItemThatComesDuringALookIsRun() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 1)
    let actions = driver.deliver()
    #expect(actions.contains { if case .startWorker = $0 { true } else { false } })
    _ = driver.counted(0, 0)
    #expect(driver.counted(0, 0).isEmpty)
    // There is no consumer to cancel any more.
    let settlement = driver.handle(.workerEnded(.exited(0)))
    #expect(settlement.writes == [[.basicAck(deliveryTag: 1, multiple: false), channelClose]])
    #expect(driver.settle().finished == .success)
  }

  @Test func aSignalEndsALookAndGivesBackWhatComesInThatMoment() {
    var driver = waiting()
    driver.handle(.timer(.idle))
    #expect(driver.handle(.signal(.terminate)).writes == [[.basicCancel(consumerTag: "amqp-job-1")]])
    #expect(driver.deliver().writes == [[.basicNack(deliveryTag: 1, multiple: false, requeue: true)]])
    driver.method(.basicCancelOK(consumerTag: ""))
    #expect(driver.handle(.connectionClosed).finished == .signal(.terminate))
  }

  @Test func answersThatDoNotShowOurOwnConsumerShowNothing() {
    var driver = waiting { $0.connectTimeout = .seconds(30) }
    driver.handle(.timer(.idle))
    _ = driver.counted(0, 0)
    #expect(driver.method(.basicCancelOK(consumerTag: "")).sets(.look, after: .seconds(1)))
    driver.now += .seconds(30)
    driver.handle(.timer(.look))
    _ = driver.counted(0, 0)
    #expect(driver.method(.basicCancelOK(consumerTag: "")).errors.count == 1)
    #expect(driver.handle(.connectionClosed).finished == .unreachable)
  }

  @Test func anEmptyQueueIsGrantedItsTimeAtFirst() {
    var driver = RunnerDriver {
      $0.whenEmpty = .exit
      $0.waitFirst = .seconds(60)
      $0.count = 2
    }
    #expect(driver.consume().sets(.idle, after: .seconds(60)))
    driver.deliver()
    #expect(driver.handle(.workerEnded(.exited(0))).sets(.idle, after: .milliseconds(250)))
  }
}
