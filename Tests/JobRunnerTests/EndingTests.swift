import AMQP
import Console
import Linux
import Testing

@testable import JobRunner

@Suite struct EndingTests {
  private func text(
    _ cause: Ending.Cause, _ settlements: [Settlement], taken: Int? = nil, wanted: Int? = nil,
    after duration: Duration = .seconds(41)
  ) -> String {
    var tally = Tally()
    tally.taken = taken ?? settlements.count
    for settlement in settlements { tally.count(settlement) }
    return Ending(
      cause: cause, tally: tally, wanted: wanted, queue: "q", queueLabel: "queue 'q'", deadTarget: "queue 'q.dead'",
      duration: duration
    ).text
  }

  @Test("The last line says what was done") func saysWhatWasDone() {
    #expect(text(.complete, [.acked, .acked]) == "queue 'q': 2 done in 41s")
    #expect(text(.complete, [.acked, .requeued], wanted: 2) == "queue 'q': 1 of 2 done, 1 given back in 41s")
    let all: [Settlement] = [
      .acked, .retried(after: .seconds(1)), .requeuedAsCopy, .requeuedByBroker(why: "x"), .deadLettered(into: "y"),
    ]
    #expect(
      text(.drained, all, taken: 6)
        == "queue 'q' is drained: 1 done, 1 retried, 2 given back, 1 dead-lettered into queue 'q.dead', 1 not settled in 41s"
    )
    #expect(text(.stopped(.terminate), [.requeued]) == "stopped by TERM; queue 'q': 0 done, 1 given back in 41s")
    #expect(text(.drained, [], after: .milliseconds(420)) == "queue 'q' is drained: no item was taken in 420ms")
    #expect(text(.complete, [.acked], after: .seconds(7384)) == "queue 'q': 1 done in 2h03m")
  }

  private func endings(_ actions: [RunnerAction], _ level: LogEntry.Level) -> [String] {
    actions.compactMap {
      if case .log(let entry) = $0, entry.level == level { entry.message.text(for: .amqpJob) } else { nil }
    }
  }

  @Test("A runner of several items has a last line") func isTheLastLineOfSeveralItems() {
    var driver = RunnerDriver { $0.extent = .count(2) }
    driver.consume()
    driver.deliver()
    var actions = driver.handle(.workerEnded(.exited(0)))
    driver.now += .seconds(3)
    driver.deliver()
    #expect(endings(actions, .notice) == [])
    actions = driver.handle(.workerEnded(.exited(0))) + driver.settle()
    #expect(endings(actions, .notice) == ["queue 'q' at broker:5672: 2 of 2 done in 3s"])
    #expect(driver.finished == .success)
  }

  @Test("A runner of a single item has no last line") func isNoLineOfASingleItem() {
    var driver = RunnerDriver()
    driver.work()
    let actions = driver.handle(.workerEnded(.exited(0))) + driver.settle()
    #expect(endings(actions, .notice) == [] && driver.finished == .success)
  }

  @Test("The last line names the signal") func saysTheSignalToo() {
    var driver = RunnerDriver { $0.extent = .forever }
    driver.consume()
    let actions =
      driver.handle(.signal(.terminate)) + driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    #expect(endings(actions, .notice) == ["stopped by TERM; queue 'q' at broker:5672: no item was taken in 0s"])
    #expect(driver.finished == .success)
  }

  @Test("The last line does not count an ack that the broker may not have taken")
  func doesNotCountAnAckThatTheBrokerMayNotHaveTaken() {
    var driver = RunnerDriver { $0.extent = .count(3) }
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    driver.deliver()
    driver.handle(.workerEnded(.exited(0)))
    let actions = driver.handle(RunnerDriver.lost())
    #expect(actions.errors.count == 1)
    #expect(endings(actions, .notice) == ["queue 'q' at broker:5672: 1 of 3 done, 1 not settled in 0s"])
  }

  @Test("The last line is left out if an error says it all") func isLeftOutWhereAnErrorSaysItAll() {
    var driver = RunnerDriver { $0.extent = .drain }
    driver.consume()
    let actions = driver.handle(.timer(.drainLimit)) + driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    #expect(actions.errors.count == 1 && endings(actions, .notice) == [])
    #expect(driver.finished == .temporaryFailure)
  }
}
