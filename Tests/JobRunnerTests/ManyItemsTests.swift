import AMQP
import Console
import Linux
import Testing

@testable import JobRunner

/// Runs with `-n N`.
@Suite struct ManyItemsTests {
  private static func run(_ statuses: [ProcessStatus]) -> (writes: [[AMQP.Method]], end: [RunnerAction]) {
    var driver = RunnerDriver { $0.extent = .count(statuses.count) }
    var writes: [[AMQP.Method]] = []
    driver.consume()
    for status in statuses {
      driver.deliver()
      writes += driver.handle(.workerEnded(status)).writes
    }
    return (writes, driver.settle())
  }

  @Test("The consumer stays until the last item") func theConsumerStaysUntilTheLastItem() {
    let (writes, end) = Self.run([.exited(0), .exited(0), .exited(0)])
    #expect(
      writes == [
        [.basicAck(deliveryTag: 1, multiple: false)], [.basicAck(deliveryTag: 2, multiple: false)],
        [.basicCancel(consumerTag: "amqp-job-1"), .basicAck(deliveryTag: 3, multiple: false), channelClose],
      ])
    #expect(end.finished == .success)
  }

  @Test("A failed item ends nothing, and is reported") func oneFailureEndsNothingAndIsReported() {
    let (writes, end) = Self.run([.exited(0), .exited(9), .exited(0)])
    #expect(writes[1] == [.basicReject(deliveryTag: 2, requeue: true)])
    #expect(writes.count == 3 && end.finished == .failure)
  }

  @Test(
    "An ack that crosses a refusal is no success",
    arguments: [
      Method.basicCancel(consumerTag: "amqp-job-1"),
      .channelClose(CloseReason(code: .preconditionFailed, text: "delivery acknowledgement on channel 1 timed out")),
    ])
  func anAckThatCrossesARefusalIsNoSuccess(method: AMQP.Method) {
    var driver = RunnerDriver { $0.extent = .count(2) }
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.method(method).errors.count == 1)
    #expect(driver.finished == .itemTakenBack)
  }

  @Test("The next item shows that the ack was taken") func theNextItemShowsThatTheAckWasTaken() {
    var driver = RunnerDriver { $0.extent = .count(3) }
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    driver.deliver()
    driver.handle(.workerEnded(.exited(9)))
    driver.method(.basicCancel(consumerTag: "amqp-job-1"))
    let actions = driver.inspect()
    #expect(
      actions.writes == [[.basicConsume(queue: "q", consumerTag: "amqp-job-2", arguments: Slot.arguments(priority: 0))]]
    )
  }

  @Test("Acks that may be lost are no success") func lostAcksAreNoSuccess() {
    var driver = RunnerDriver { $0.extent = .count(2) }
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.handle(RunnerDriver.lost()).finished == .temporaryFailure)
  }

  @Test(
    "TERM ends a runner that has more to do",
    arguments: [(ProcessStatus.exited(0), false), (.killed(.terminate), true)])
  func termEndsARunnerThatHasMoreToDo(status: ProcessStatus, isGivenBack: Bool) {
    var driver = RunnerDriver { $0.extent = .count(3) }
    driver.work()
    driver.handle(.signal(.terminate))
    let methods = driver.handle(.workerEnded(status)).writes[0]
    #expect(methods.contains(.basicNack(deliveryTag: 1, multiple: false, requeue: true)) == isGivenBack)
    #expect(methods.contains(.basicAck(deliveryTag: 1, multiple: false)) != isGivenBack)
    #expect(driver.settle().finished == .signal(.terminate))
  }

  @Test("TERM to a runner whose items are all done is a success") func termWithAllDoneIsASuccess() {
    var driver = RunnerDriver { $0.extent = .count(2) }
    driver.work()
    driver.handle(.workerEnded(.exited(0)))
    driver.deliver()
    driver.handle(.signal(.terminate))
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.settle().finished == .success)
  }
}
