import AMQP
import Broker
import Console
import Testing

@testable import JobRunner

/// Queues that `amqp-job declare` made beside another one.
@Suite struct OwnerTests {
  private func inspected(_ queue: String, _ configure: (inout JobOptions) -> Void = { _ in }) -> RunnerDriver {
    var driver = RunnerDriver {
      $0.queue = queue
      configure(&$0)
    }
    _ = driver.start()
    driver.handle(.connected(nil))
    driver.method(
      RunnerDriver.differs(
        "x-dead-letter-exchange", "received the value '' of type 'longstr' but current is none", queue: queue), on: 2)
    driver.method(RunnerDriver.found, on: 2)
    return driver
  }

  @Test("A queue that belongs to another one is refused", arguments: ["fruits.retry", "fruits.marks"])
  func areRefusedWhereTheOthersAreThere(queue: String) {
    var driver = inspected(queue)
    let errors = (1...3).flatMap { _ in driver.method(RunnerDriver.found, on: 2).errors }
    #expect(errors.count == 1 && errors[0].contains("queue 'fruits'") && driver.finished == .wrongQueue)
  }

  @Test("A queue that has only such a name is served", arguments: ["fruits.retry", "fruits.marks"])
  func areServedWhereTheNameAloneIsSuch(queue: String) {
    var driver = inspected(queue)
    driver.method(.channelClose(CloseReason(code: .notFound, text: "NOT_FOUND - no queue 'fruits.dead'")), on: 2)
    #expect(driver.finished == nil && driver.runner.phase == .serving)
  }

  @Test("A dead-letter queue is served") func aDeadLetterQueueIsServed() {
    #expect(inspected("fruits.dead").runner.phase == .serving)
  }

  @Test("The owner follows from the name") func names() {
    #expect(WorkQueue("a.retry").owner == WorkQueue("a") && WorkQueue("a.marks").owner == WorkQueue("a"))
    #expect(WorkQueue("a").owner == nil && WorkQueue("a.dead").owner == nil)
  }
}
