import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// What happens to failed items of a queue without retries if the user chose that.
@Suite struct RejectingTests {
  private static let reject = Method.basicReject(deliveryTag: 1, requeue: false)

  private static func connected(_ onFailure: AttemptOptions.OnFailure, _ assumed: QueueTopology? = nil) -> RunnerDriver
  {
    var driver = RunnerDriver {
      $0.attempts.onFailure = onFailure
      $0.assumed = assumed
    }
    _ = driver.start()
    driver.handle(.connected(ServerVersion(4, 0)))
    return driver
  }

  /// The question about the target of the dead letters.
  private static func askingForTarget(_ exchange: String) -> (driver: RunnerDriver, questions: [AMQP.Method]) {
    var driver = connected(.reject)
    driver.method(RunnerDriver.differs("x-dead-letter-exchange", "received '' but current is '\(exchange)'"), on: 2)
    let questions = driver.method(RunnerDriver.found, on: 2).writes.joined()
    return (driver, Array(questions))
  }

  @Test("A failed item is rejected into a dead-letter exchange that exists")
  func aFailedItemIsRejectedIntoAnExchangeThatIsThere() {
    var (driver, questions) = Self.askingForTarget("dlx")
    #expect(questions == [.exchangeDeclarePassive(exchange: "dlx")])
    let served = driver.method(.other(0x0028_000b), on: 2)
    #expect(
      served.warnings.isEmpty && served.writes.joined().contains { if case .basicConsume = $0 { true } else { false } })
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.deliver()
    #expect(driver.handle(.workerEnded(.exited(3))).writes.joined().contains(Self.reject))
    _ = driver.settle()
    #expect(driver.finished?.rawValue == 3)
  }

  @Test(
    "A queue that shows no dead-letter exchange is warned of, and its items are said to be dropped",
    arguments: [nil, .classic, .quorum] as [WorkQueue.Kind?])
  func whatIsDroppedIsSaidToBeDropped(assumed: WorkQueue.Kind?) {
    var driver = RunnerDriver {
      $0.attempts.onFailure = .reject
      $0.assumed = assumed.map { .plain($0) }
    }
    var actions = driver.start() + driver.handle(.connected(ServerVersion(4, 0)))
    if assumed == nil { actions += [RunnerDriver.plain, RunnerDriver.found].flatMap { driver.method($0, on: 2) } }
    #expect(actions.warnings.count == 1 && actions.warnings[0].contains("unless a policy gives the queue one"))
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.deliver()
    let errors = (driver.handle(.workerEnded(.exited(3))) + driver.settle()).errors
    #expect(errors.count == 1 && errors[0].contains("dropped"), "\(errors)")
  }

  @Test("A missing dead-letter exchange ends a runner that would publish to it, too")
  func anExchangeThatIsMissingWouldTakeNothing() {
    var driver = RunnerDriver { $0.attempts.areRequired = true }
    _ = driver.start()
    driver.handle(.connected(ServerVersion(4, 0)))
    driver.method(RunnerDriver.differs("x-dead-letter-exchange", "received '' but current is 'dlx'"), on: 2)
    #expect(driver.method(RunnerDriver.found, on: 2).writes.joined().contains(.exchangeDeclarePassive(exchange: "dlx")))
    let reason = CloseReason(code: .notFound, text: "NOT_FOUND - no exchange 'dlx' in vhost '/'")
    let errors = driver.method(.channelClose(reason), on: 2).errors
    #expect(errors.count == 1 && errors[0].contains("--max-attempts") && driver.finished == .wrongQueue)
  }

  @Test("A missing dead-letter exchange ends the runner, since it would lose items")
  func anExchangeThatIsMissingWouldLoseIt() {
    var (driver, _) = Self.askingForTarget("dlx")
    let reason = CloseReason(code: .notFound, text: "NOT_FOUND - no exchange 'dlx' in vhost '/'")
    let errors = driver.method(.channelClose(reason), on: 2).errors
    #expect(errors.count == 1 && errors[0].contains("'dlx'") && driver.finished == .wrongQueue)
  }

  @Test("A dead-letter exchange that may not be checked is taken on the user's word")
  func whatMayNotBeKnownIsTheUsersWord() {
    var (driver, _) = Self.askingForTarget("dlx")
    #expect(!driver.method(.channelClose(CloseReason(code: .accessRefused, text: "no")), on: 2).writes.isEmpty)
    #expect(driver.finished == nil)
  }

  @Test("A queue without a visible dead-letter exchange is served with a warning")
  func aQueueWithoutAVisibleExchangeIsServedWithAWarning() {
    var driver = Self.connected(.reject)
    driver.method(RunnerDriver.plain, on: 2)
    let actions = driver.method(RunnerDriver.found, on: 2)
    #expect(actions.warnings.count == 1 && actions.warnings[0].contains("policy"))
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.deliver()
    #expect(driver.handle(.workerEnded(.killed(.kill))).writes.joined().contains(Self.reject))
  }

  @Test("The item of a terminated worker is given back") func whatATerminatedWorkerHadIsGivenBack() {
    var driver = Self.connected(.reject, .plain(.classic))
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.deliver()
    driver.handle(.signal(.terminate))
    let writes = driver.handle(.workerEnded(.killed(.terminate))).writes.joined()
    #expect(writes.contains(.basicNack(deliveryTag: 1, multiple: false, requeue: true)))
  }

  @Test("A drained queue whose items were rejected is no success")
  func aDrainedQueueWhoseItemsWereRejectedIsNoSuccess() {
    var driver = RunnerDriver {
      $0.attempts.onFailure = .reject
      $0.extent = .drain
    }
    _ = driver.start()
    driver.handle(.connected(ServerVersion(4, 0)))
    driver.method(RunnerDriver.plain, on: 2)
    driver.method(RunnerDriver.found, on: 2)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.deliver()
    driver.handle(.workerEnded(.exited(3)))
    #expect(driver.runner.tally.rejected == 1)
  }

  @Test("A queue with retries treats failed items in its own way", arguments: AttemptOptions.OnFailure.allCases)
  func aQueueWithRetriesHasWaysOfItsOwn(onFailure: AttemptOptions.OnFailure) {
    var driver = Self.connected(onFailure)
    let errors = (1...4).flatMap { _ in driver.method(RunnerDriver.found, on: 2).errors }
    #expect(errors.count == 1 && errors[0].contains("--max-attempts 1") && driver.finished == .wrongQueue)
  }

  @Test("An item that is to be given back is given back as ever") func whatIsGivenBackIsGivenBackAsEver() {
    var driver = Self.connected(.requeue, .plain(.classic))
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.deliver()
    driver.runner.inspection.found(.absent)
    let writes = driver.handle(.workerEnded(.exited(3))).writes.joined()
    #expect(writes.contains(.basicReject(deliveryTag: 1, requeue: true)))
  }
}
