import AMQP
import Broker
import Console
import Glibc
import Linux
import Testing

@testable import JobRunner

/// What happens to the item, and the exit status, when a worker ends.
@Suite struct SettlingTests {
  @Test(
    "A redelivered item without a count is at least at its second attempt",
    arguments: [(false, "attempt 1,"), (true, "attempt 2 or a later one,")])
  func aReturnThatNobodyCountsIsTheSecondAttemptAtLeast(isRedelivered: Bool, expected: String) {
    var driver = RunnerDriver()
    driver.consume()
    driver.deliver(isRedelivered: isRedelivered)
    let error = driver.handle(.workerEnded(.exited(3))).errors.first ?? ""
    #expect(error.contains(expected))
  }

  @Test("A done item is acked with the cancel in one write, and success waits for the answer")
  func doneIsAckedBehindTheCancelInOneWriteAndSureBeforeSuccess() {
    var driver = RunnerDriver()
    driver.work()
    let actions = driver.handle(.workerEnded(.exited(0)))
    #expect(
      actions.writes == [
        [.basicCancel(consumerTag: "amqp-job-1"), .basicAck(deliveryTag: 1, multiple: false), channelClose]
      ])
    #expect(actions.finished == nil)
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    let end = driver.settle()
    #expect(end.finished == .success && end.errors.isEmpty)
    #expect(end.contains(.closeConnections))
  }

  @Test(
    "A failed item is given back and reported",
    arguments: [
      (ProcessStatus.exited(3), 3), (.exited(75), 1), (.exited(127), 1), (.exited(130), 130), (.killed(.kill), 137),
      (.killed(.terminate), 143),
    ])
  func failedIsGivenBackAndReported(status: ProcessStatus, expected: Int) {
    var driver = RunnerDriver()
    driver.work()
    let actions = driver.handle(.workerEnded(status))
    #expect(
      actions.writes == [
        [.basicCancel(consumerTag: "amqp-job-1"), .basicReject(deliveryTag: 1, requeue: true), channelClose]
      ])
    #expect(actions.errors.count == 1)
    #expect(driver.settle().finished.map { Int($0.rawValue) } == expected)
  }

  @Test("A raw status is kept") func rawStatusIsKept() {
    var driver = RunnerDriver { $0.worker.rawStatus = true }
    driver.work()
    driver.handle(.workerEnded(.exited(75)))
    #expect(driver.settle().finished?.rawValue == 75)
  }

  @Test("A worker that cannot be started is a failure") func whatCannotBeStartedIsAFailure() {
    var driver = RunnerDriver()
    driver.work()
    let actions = driver.handle(.workerDidNotStart(reason: "Argument list too long"))
    #expect(actions.writes[0].contains(.basicReject(deliveryTag: 1, requeue: true)))
    #expect(actions.errors[0].contains("Argument list too long"))
    #expect(driver.settle().finished == .failure)
  }

  @Test("A command that cannot be run ends the runner, and its item goes back uncounted")
  func aCommandThatCannotBeRunIsTheEndAndTheItemGoesBackUncounted() {
    var driver = RunnerDriver {
      $0.extent = .drain
      $0.worker.timeout = .seconds(5)
    }
    driver.consume(hasRetries: true)
    driver.deliver()
    let actions = driver.handle(.commandRefused(.notExecutable, reason: "Exec format error"))
    #expect(actions.moves == [Move(destination: .queue, attempts: 0)])
    #expect(actions.errors.count == 1 && actions.errors[0].contains("Exec format error"))
    #expect(actions.contains(.cancel(.workerLimit)) && !actions.startsWorker)
    let end = driver.handle(.moveConfirmed(slot: 0))
    #expect(end.writes[0].contains(.basicAck(deliveryTag: 1, multiple: false)))
    #expect(driver.settle().finished == .notExecutable)
  }

  @Test(
    "A command that exec refuses has the status that a shell reports",
    arguments: [
      (ENOENT, ExitStatus.commandNotFound), (ENOEXEC, .notExecutable), (EACCES, .notExecutable),
      (ETXTBSY, .notExecutable),
    ])
  func whatExecSaysOfACommand(code: Int32, status: Console.ExitStatus) {
    #expect(ExitStatus(refusedCommand: SystemError(call: "exec", code: code)) == status)
    #expect(ExitStatus(refusedCommand: SystemError(call: "open", code: code)) == .internalError)
  }

  @Test("A shortage of the system is not the item's fault", arguments: [ENOMEM, EAGAIN, EMFILE, ENFILE])
  func whatTheSystemLacksIsNoFaultOfTheItem(code: Int32) {
    for call in ["exec", "pipe", "fork"] {
      #expect(ExitStatus(refusedCommand: SystemError(call: call, code: code)) == .internalError)
    }
  }

  @Test("Arguments that are too long may be the item's fault") func whatTheItemTakesPartIn() {
    #expect(ExitStatus(refusedCommand: .argumentTooLong) == nil)
  }

  @Test("A file that cannot be read is not the item's fault") func whatCannotBeReadIsNoFaultOfTheItem() {
    #expect(ExitStatus(refusedCommand: .readFailed) == .inputOutputError)
  }

  @Test("An item goes back uncounted if no process can be made")
  func whereNoProcessIsToBeHadTheItemGoesBackUncounted() {
    var driver = RunnerDriver()
    driver.work()
    let actions = driver.handle(.commandRefused(.internalError, reason: "Resource temporarily unavailable"))
    #expect(actions.moves == [Move(destination: .queue, attempts: 0)])
    #expect(actions.errors.count == 1 && actions.errors[0].contains("Resource temporarily unavailable"))
    driver.handle(.moveConfirmed(slot: 0))
    #expect(driver.settle().finished == .internalError)
  }

  @Test(
    "A timeout ends the worker, and is a failure whatever its status",
    arguments: [ProcessStatus.exited(0), .killed(.kill)])
  func timeoutEndsTheWorkerAndIsAFailureWhateverItSays(status: ProcessStatus) {
    var driver = RunnerDriver {
      $0.worker.timeout = .seconds(5)
      $0.worker.grace = .seconds(2)
    }
    driver.consume()
    #expect(driver.deliver().sets(.workerLimit, after: .seconds(5)))
    let limit = driver.handle(.timer(.workerLimit))
    #expect(limit.signals == [.terminate] && limit.sets(.grace, after: .seconds(2)))
    #expect(driver.handle(.timer(.grace)).signals == [.kill])
    let actions = driver.handle(.workerEnded(status))
    #expect(actions.writes[0].contains(.basicReject(deliveryTag: 1, requeue: true)))
    #expect(driver.settle().finished == .timedOut)
  }

  @Test("A connection that is lost while the worker runs stops the worker")
  func connectionLostWhileTheWorkerRunsStopsIt() {
    var driver = RunnerDriver()
    driver.work()
    let actions = driver.handle(RunnerDriver.lost())
    #expect(actions.signals == [.terminate] && actions.sets(.grace, after: .seconds(20)))
    #expect(actions.errors.count == 1 && actions.finished == nil)
    let end = driver.handle(.workerEnded(.exited(0)))
    #expect(end.writes.isEmpty && end.contains(.closeConnections))
    #expect(driver.finished == .temporaryFailure)
  }

  @Test("A connection that is lost after the ack is no success") func connectionLostAfterTheAckIsNoSuccess() {
    var driver = RunnerDriver()
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    let actions = driver.handle(RunnerDriver.lost())
    #expect(actions.finished == .temporaryFailure && actions.errors.count == 1)
  }

  @Test("A connection that is lost after the item was given back keeps the worker's status")
  func connectionLostAfterGivingBackKeepsTheWorkersStatus() {
    var driver = RunnerDriver()
    driver.work()
    driver.handle(.workerEnded(.exited(3)))
    #expect(driver.handle(RunnerDriver.lost()).finished?.rawValue == 3)
  }

  @Test("A broker that does not confirm a settlement is not waited for without end")
  func aBrokerThatDoesNotConfirmIsNotWaitedForForEver() {
    var driver = RunnerDriver()
    driver.work()
    #expect(driver.handle(.workerEnded(.exited(0))).sets(.settlementLimit, after: .seconds(5)))
    #expect(driver.handle(.timer(.settlementLimit)).finished == .temporaryFailure)
  }

  @Test(
    "An item that the broker takes back never counts as done",
    arguments: [
      Method.basicCancel(consumerTag: "amqp-job-1"),
      .channelClose(CloseReason(code: .preconditionFailed, text: "delivery acknowledgement on channel 1 timed out")),
    ])
  func anItemThatTheBrokerTakesBackNeverCountsAsDone(method: AMQP.Method) {
    var driver = RunnerDriver()
    driver.work()
    let actions = driver.method(method)
    #expect(actions.signals == [.terminate] && actions.errors.count == 1)
    let end = driver.handle(.workerEnded(.exited(0)))
    #expect(end.writes.isEmpty)
    #expect(driver.finished == .itemTakenBack)
  }

  @Test(
    "The end of a consumer is explained by what it can mean to this broker",
    arguments: [(ServerVersion?.none, true), (ServerVersion(3, 10), false), (ServerVersion(4, 3), true)])
  func explainsTheEndOfAConsumer(server: ServerVersion?, mayBeTimeout: Bool) {
    var driver = RunnerDriver()
    driver.server = server
    driver.work()
    let line = driver.method(.basicCancel(consumerTag: "amqp-job-1")).errors.first ?? ""
    #expect(line.contains("the queue was deleted") && line.contains("its node has gone down"))
    #expect(line.contains("consumer timeout") == mayBeTimeout)
  }

  @Test(
    "An ack that the broker refuses is no success",
    arguments: [
      Method.basicCancel(consumerTag: "amqp-job-1"),
      .channelClose(CloseReason(code: .preconditionFailed, text: "unknown delivery tag 1")),
    ])
  func anAckThatTheBrokerRefusesIsNoSuccess(method: AMQP.Method) {
    var driver = RunnerDriver()
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.method(method).errors.count == 1)
    // The answer to the runner's own close may still come.
    driver.method(.channelCloseOK)
    #expect(driver.finished == .itemTakenBack)
  }

  // MARK: The connection's end

  @Test("The close of the connection answers the last settlement")
  func theLastSettlementIsAnsweredByTheConnectionsEnd() {
    var driver = RunnerDriver()
    driver.work()
    #expect(driver.handle(.workerEnded(.exited(0))).last == .closeConnection)
    driver.handle(.connectionClosed)
    #expect(driver.finished == .success)
  }

  @Test("A refusal before the close of the connection counts") func whatTheBrokerRefusesBeforeItsEndIsRefused() {
    var driver = RunnerDriver()
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    let unknown = CloseReason(code: .preconditionFailed, text: "PRECONDITION_FAILED - unknown delivery tag 1")
    driver.method(.channelClose(unknown))
    driver.handle(.connectionClosed)
    #expect(driver.finished == .itemTakenBack)
  }

  @Test("A connection that is lost before its close has settled nothing")
  func aConnectionThatIsLostBeforeItsEndHasSettledNothing() {
    var driver = RunnerDriver()
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    driver.handle(RunnerDriver.lost())
    #expect(driver.finished == .temporaryFailure)
  }

  @Test("The connection stays open for other workers") func otherWorkersKeepTheConnection() {
    var driver = RunnerDriver {
      $0.extent = .count(2)
      $0.parallelism = 2
    }
    driver.consume()
    driver.deliver(slot: 0)
    driver.deliver(slot: 1)
    #expect(!driver.handle(.workerEnded(.exited(0), slot: 0)).contains(.closeConnection))
    driver.method(.channelCloseOK)
    #expect(driver.handle(.workerEnded(.exited(0), slot: 1)).contains(.closeConnection))
  }
}
