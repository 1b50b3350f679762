import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// A queue that may be lost with its items, and that is served because the user says so.
@Suite struct AnyQueueTests {
  private static let notDurable = RunnerDriver.differs("durable", "received 'true' but current is 'false'")
  private static let autoDelete = RunnerDriver.differs("auto_delete", "received 'false' but current is 'true'")

  private func connected(_ extent: JobOptions.Extent = .count(1)) -> RunnerDriver {
    var driver = RunnerDriver {
      $0.queueOrigin = .anyTold
      $0.extent = extent
    }
    _ = driver.start()
    driver.handle(.connected(nil))
    return driver
  }

  @Test("A queue that may lose its items is warned of once") func whatMayLoseItsItemsIsSaidOnce() {
    var driver = connected(.forever)
    let again = driver.method(Self.notDurable, on: 2).writes.joined().compactMap {
      if case .queueDeclare(let declaration) = $0, declaration.name == "q" { declaration } else { nil }
    }
    #expect(again.map(\.isDurable) == [false] && again.map(\.isAutoDelete) == [false])
    driver.method(Self.autoDelete, on: 2)
    driver.method(RunnerDriver.plain, on: 2)
    #expect(driver.runner.phase == .inspecting)
    let warnings = driver.method(RunnerDriver.found, on: 2).warnings
    #expect(warnings.count == 1 && warnings[0].contains("not durable") && warnings[0].contains("last consumer"))
    #expect(driver.finished == nil)
  }

  @Test("A queue that lasts is served without a warning") func aQueueThatLastsIsServedWithoutAWord() {
    var driver = connected()
    driver.method(RunnerDriver.plain, on: 2)
    #expect(driver.method(RunnerDriver.found, on: 2).warnings.isEmpty && driver.finished == nil)
  }

  @Test("A queue that deletes itself cannot be seen drained") func oneThatDeletesItselfCannotBeSeenDrained() {
    var driver = connected(.drain)
    driver.method(Self.autoDelete, on: 2)
    driver.method(RunnerDriver.plain, on: 2)
    driver.method(RunnerDriver.found, on: 2)
    #expect(driver.finished == .wrongQueue)
  }

  /// The queue deletes itself, and the runner knows it.
  private func deletingItself(_ extent: JobOptions.Extent, ready: UInt32 = 0, consumers: UInt32 = 0) -> RunnerDriver {
    var driver = connected(extent)
    driver.method(Self.autoDelete, on: 2)
    driver.method(RunnerDriver.plain, on: 2)
    driver.method(RunnerDriver.found, on: 2)
    driver.method(.channelOpenOK, on: 2)
    if extent != .forever {
      driver.method(.queueDeclareOK(.init(name: "q", messageCount: ready, consumerCount: consumers)), on: 2)
    }
    return driver
  }

  @Test(
    "A queue that deletes itself is served where nothing of it would be lost",
    arguments: [(1, 0, true), (2, 0, false), (2, 1, true), (0, 0, true)])
  func deletesItself(ready: UInt32, consumers: UInt32, isServed: Bool) {
    let driver = deletingItself(.count(1), ready: ready, consumers: consumers)
    #expect(driver.finished == (isServed ? nil : .wrongQueue) && (driver.runner.phase == .serving) == isServed)
  }

  @Test(
    "A runner with which items go says so, and does not succeed",
    arguments: [(3, 1, true), (3, 2, false), (0, 1, false)])
  func goesWithTheLastConsumer(ready: UInt32, consumers: UInt32, isLost: Bool) {
    var driver = deletingItself(.count(1), ready: 1)
    driver.method(.basicQoSOK)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.deliver()
    let question = Method.queueDeclare(.init(name: "q", isPassive: true))
    let last = driver.handle(.workerEnded(.exited(0))).writes.joined()
    #expect(Array(last.prefix(2)) == [question, .basicCancel(consumerTag: "amqp-job-1")])
    let errors = driver.method(
      .queueDeclareOK(.init(name: "q", messageCount: ready, consumerCount: consumers))
    ).errors
    _ = driver.settle()
    #expect(errors.contains { $0.contains("3 items went with it") } == isLost)
    #expect(driver.finished == (isLost ? .failure : .success))
  }

  @Test("An item that the last consumer gives back goes with its queue") func whatALastConsumerGivesBackGoes() {
    var driver = deletingItself(.forever)
    driver.method(.basicQoSOK)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.deliver()
    driver.handle(.signal(.terminate))
    driver.handle(.signal(.terminate))
    driver.runner.inspection.found(.absent)
    driver.handle(.workerEnded(.exited(1)))
    let errors = driver.method(.queueDeclareOK(.init(name: "q", messageCount: 0, consumerCount: 1))).errors
    _ = driver.settle()
    #expect(errors.count == 1 && driver.finished == .failure)
  }

  @Test("A refusal tells all reasons at once, and that the items are lost with the queue") func allReasonsAtOnce() {
    var driver = RunnerDriver { $0.extent = .drain }
    _ = driver.start()
    driver.handle(.connected(nil))
    #expect(driver.method(Self.notDurable, on: 2).errors.isEmpty)
    #expect(driver.method(Self.autoDelete, on: 2).errors.isEmpty)
    let errors = driver.method(RunnerDriver.plain, on: 2).errors
    #expect(
      errors.count == 1 && errors[0].contains("not durable, and deletes itself") && errors[0].contains("lost with it"))
    #expect(errors.first?.hasSuffix("take a number of items (--count), or serve it until a signal (--forever)") == true)
    #expect(driver.finished == .wrongQueue)
  }

  @Test("A program that serves any queue says what goes with it, and warns of nothing") func untoldOwner() {
    var driver = RunnerDriver { $0.queueOrigin = .any }
    _ = driver.start()
    driver.handle(.connected(nil))
    let before = [Self.autoDelete, RunnerDriver.plain, RunnerDriver.found].flatMap { driver.method($0, on: 2) }
    #expect(before.warnings.isEmpty && driver.runner.phase == .serving)
    driver.method(.basicQoSOK)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.deliver()
    driver.handle(.workerEnded(.exited(0)))
    let errors = driver.method(.queueDeclareOK(.init(name: "q", messageCount: 2, consumerCount: 1))).errors
    _ = driver.settle()
    #expect(errors.count == 1 && errors[0].contains("2 items went with it") && driver.finished == .failure)
  }

  @Test("A broker that repeats its answer is not asked without end") func aBrokerThatSaysTheSameTwiceIsNotAskedForEver()
  {
    var driver = connected()
    driver.method(Self.notDurable, on: 2)
    driver.method(Self.notDurable, on: 2)
    #expect(driver.finished == .wrongQueue)
  }

  @Test("A rejected item is dead-lettered before its queue is deleted")
  func whatIsRejectedIsDeadLetteredBeforeTheQueueGoes() {
    var driver = RunnerDriver {
      $0.queueOrigin = .anyTold
      $0.attempts.onFailure = .reject
    }
    driver.consume()
    driver.deliver()
    let last = driver.handle(.workerEnded(.exited(1))).writes.joined()
    #expect(
      Array(last) == [
        .basicReject(deliveryTag: 1, requeue: false), .basicCancel(consumerTag: "amqp-job-1"), channelClose,
      ])
  }
}
