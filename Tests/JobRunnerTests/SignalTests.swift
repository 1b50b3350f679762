import AMQP
import Console
import Linux
import Testing

@testable import JobRunner

@Suite struct SignalTests {
  @Test("A signal ends a runner that connects", arguments: [Signal.terminate, .interrupt, .hangup, .quit])
  func endsARunnerThatConnects(signal: Signal) {
    var driver = RunnerDriver()
    _ = driver.start()
    let actions = driver.handle(.signal(signal))
    #expect(actions.finished == .signal(signal) && actions.errors.count == 1)
  }

  @Test("A signal ends a runner that waits for its queue") func endsARunnerThatWaitsForItsQueue() {
    var driver = RunnerDriver { $0.waitFirst = .seconds(60) }
    _ = driver.start()
    driver.handle(.connected(nil))
    driver.method(.channelClose(CloseReason(code: .notFound, text: "no queue")))
    #expect(driver.handle(.signal(.terminate)).contains(.closeConnections))
    #expect(driver.finished == .signal(.terminate))
  }

  @Test("A signal ends a waiting runner, and an item that comes in that moment is put back")
  func endsARunnerThatWaitsAndPutsBackWhatComesInThatMoment() {
    var driver = RunnerDriver()
    driver.consume()
    let actions = driver.handle(.signal(.terminate))
    #expect(actions.writes == [[.basicCancel(consumerTag: "amqp-job-1")]])
    let putBack = driver.deliver()
    #expect(putBack.moves == [Move(destination: .queue, attempts: 0)])
    #expect(putBack.sets(.settlementLimit, after: .milliseconds(500)))
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    let failed = driver.handle(.moveFailed(reason: "why", slot: 0))
    #expect(failed.writes == [[.basicNack(deliveryTag: 1, multiple: false, requeue: true), channelClose]])
    driver.method(.channelCloseOK)
    #expect(driver.finished == .signal(.terminate))
  }

  @Test("A signal ends a runner that waits for an item") func endsARunnerThatWaits() {
    var driver = RunnerDriver()
    driver.consume()
    driver.handle(.signal(.terminate))
    #expect(driver.method(.basicCancelOK(consumerTag: "amqp-job-1")).contains(.closeConnections))
    #expect(driver.finished == .signal(.terminate))
  }

  @Test("An item that comes unasked goes back unrun") func whatComesUnaskedGoesBackUnrun() {
    var driver = RunnerDriver()
    driver.work()
    #expect(driver.deliver().writes == [[.basicNack(deliveryTag: 2, multiple: false, requeue: true)]])
    #expect(driver.handle(.workerEnded(.exited(0))).writes[0].contains(.basicAck(deliveryTag: 1, multiple: false)))
  }

  @Test("A runner that a signal ends does not wait for a silent broker") func doesNotWaitForABrokerThatIsSilent() {
    var driver = RunnerDriver()
    driver.consume()
    #expect(driver.handle(.signal(.interrupt)).sets(.settlementLimit, after: .milliseconds(500)))
    #expect(driver.handle(.timer(.settlementLimit)).finished == .signal(.interrupt))
  }

  @Test(
    "A signal reaches the worker, which may finish",
    arguments: [(ProcessStatus.exited(0), 0), (.exited(3), 143), (.killed(.terminate), 143)])
  func reachesTheWorkerWhichMayFinish(status: ProcessStatus, expected: Int) {
    var driver = RunnerDriver { $0.worker.grace = .seconds(7) }
    driver.work()
    let actions = driver.handle(.signal(.terminate))
    #expect(actions.signals == [.terminate] && actions.sets(.grace, after: .seconds(7)))
    let methods = driver.handle(.workerEnded(status)).writes[0]
    #expect(methods.contains(.basicAck(deliveryTag: 1, multiple: false)) == (expected == 0))
    // It is a nack, because an end that the runner was told to make is not an attempt.
    #expect(methods.contains(.basicNack(deliveryTag: 1, multiple: false, requeue: true)) == (expected != 0))
    #expect(driver.settle().finished.map { Int($0.rawValue) } == expected)
  }

  @Test("A worker that does not end after a signal is killed") func killsAWorkerThatDoesNotEnd() {
    var driver = RunnerDriver()
    driver.work()
    driver.handle(.signal(.terminate))
    #expect(driver.handle(.timer(.grace)).signals == [.kill])
  }

  @Test("A timeout after a signal does not extend the grace period") func theGraceIsNotGrantedTwice() {
    var driver = RunnerDriver { $0.worker.timeout = .seconds(5) }
    driver.work()
    driver.handle(.signal(.terminate))
    #expect(driver.handle(.timer(.workerLimit)).isEmpty)
  }

  @Test("A signal twice at once counts once, and a later one kills the worker")
  func twiceAtOnceIsOnceAndLaterIsMeant() {
    var driver = RunnerDriver()
    driver.work()
    driver.handle(.signal(.terminate))
    #expect(driver.handle(.signal(.terminate)).signals == [.terminate])
    driver.now += .seconds(2)
    #expect(driver.handle(.signal(.terminate)).signals == [.kill])
  }

  @Test(
    "Other signals are passed on, and end nothing", arguments: [Signal.quit, .user1, .user2, .windowChange, .resume])
  func othersArePassedOnAndEndNothing(signal: Signal) {
    var driver = RunnerDriver()
    driver.work()
    #expect(driver.handle(.signal(signal)) == [.signalWorker(signal, slot: 0)])
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.settle().finished == .success)
  }

  /// The item is acked, and nothing shows yet that the broker took the ack.
  private func acked() -> RunnerDriver {
    var driver = RunnerDriver { $0.extent = .forever }
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    return driver
  }

  @Test("A signal ends a runner once its last ack is confirmed") func endsARunnerOnceItsLastAckIsConfirmed() {
    var driver = acked()
    let actions = driver.handle(.signal(.terminate))
    #expect(actions.writes == [[.basicCancel(consumerTag: "amqp-job-1")]])
    #expect(actions.sets(.settlementLimit, after: .seconds(5)) && actions.finished == nil)
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    #expect(driver.finished == .success)
  }

  @Test("An ack that is not confirmed after a signal is no success") func anAckThatIsNotConfirmedIsNoSuccess() {
    var driver = acked()
    driver.handle(.signal(.terminate))
    #expect(driver.handle(.timer(.settlementLimit)).errors.count == 1)
    #expect(driver.finished == .temporaryFailure)
  }

  @Test("An ack that is refused after a signal is no success") func anAckThatIsRefusedIsNoSuccess() {
    var driver = acked()
    driver.handle(.signal(.terminate))
    #expect(driver.method(.basicCancel(consumerTag: "amqp-job-1")).errors.count == 1)
    #expect(driver.finished == .itemTakenBack)
  }

  @Test("A runner says only once what went wrong") func saysOnlyOnceWhatWentWrong() {
    var driver = RunnerDriver { $0.extent = .count(2) }
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    let signal = driver.handle(.signal(.terminate))
    let end = driver.handle(.timer(.settlementLimit))
    #expect((signal + end).errors.count == 1 && end.finished == .temporaryFailure)
  }

  @Test("A signal changes nothing while an item is settled") func changesNothingWhileSettling() {
    var driver = RunnerDriver()
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.handle(.signal(.terminate)).isEmpty)
    #expect(driver.settle().finished == .success)
  }
}
