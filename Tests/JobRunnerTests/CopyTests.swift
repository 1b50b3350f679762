import AMQP
import Broker
import Linux
import Testing

@testable import JobRunner

/// An item that has come back so often that a broker's limit could drop it.
@Suite struct CopyTests {
  private var properties: BasicProperties {
    var properties = BasicProperties()
    properties.messageID = "id"
    properties.userID = "someone"
    properties.headers = [
      "x-delivery-count": .int64(10), "x-acquired-count": .int64(12), "x-death": .array([]), "CC": .array([]),
      "x-first-death-queue": .string("z"), "x-own": .string("kept"), "x-amqp-job-attempts": .int64(11),
    ]
    return properties
  }

  private func failing(_ configure: (inout JobOptions) -> Void = { _ in }) -> (RunnerDriver, Message?) {
    var driver = RunnerDriver(configure)
    driver.consume()
    driver.deliver(properties)
    let actions = driver.handle(.workerEnded(.exited(3)))
    #expect(actions.writes.isEmpty)
    let messages = actions.compactMap { if case .publishCopy(let message, _) = $0 { message } else { nil } }
    return (driver, messages.first)
  }

  @Test func isCopiedWithoutWhatTheBrokerCounted() throws {
    let (_, copied) = failing()
    let message = try #require(copied)
    var expected = BasicProperties()
    expected.messageID = "id"
    expected.deliveryMode = 2
    expected.headers = ["x-own": .string("kept"), "x-amqp-job-attempts": .int64(22)]
    #expect(message == Message(properties: expected, body: [1, 2, 3]))
  }

  @Test func isAckedOnlyOnceTheCopyIsConfirmed() {
    var (driver, _) = failing()
    let actions = driver.handle(.copyPublished(.confirmed))
    #expect(
      actions.writes == [
        [.basicCancel(consumerTag: "amqp-job-1"), .basicAck(deliveryTag: 1, multiple: false), channelClose]
      ])
    #expect(driver.settle().finished?.rawValue == 3)
  }

  @Test func goesBackItselfWhereThereIsNoCopy() {
    var (driver, _) = failing { $0.count = 2 }
    #expect(
      driver.handle(.copyPublished(.failed(reason: "why"))).writes == [[.basicReject(deliveryTag: 1, requeue: true)]])
    driver.deliver()
    driver.handle(.workerEnded(.exited(0)))
    #expect(driver.settle().finished == .failure)
  }

  @Test func aBrokerThatDoesNotConfirmIsNotWaitedForForEver() {
    var (driver, _) = failing()
    let actions = driver.handle(.timer(.settlementLimit))
    #expect(actions.contains(.dropCopy))
    #expect(actions.writes[0].contains(.basicReject(deliveryTag: 1, requeue: true)))
    #expect(driver.handle(.copyPublished(.confirmed)).isEmpty)
  }

  @Test func nothingIsAckedWithoutAConnection() {
    var (driver, _) = failing()
    let actions = driver.handle(RunnerDriver.lost())
    #expect(actions.writes.isEmpty && actions.errors.count == 1)
    #expect(driver.handle(.connectionClosed).finished?.rawValue == 3)
  }

  @Test func aBrokerErrorKeepsItsStatusAmongManyItems() {
    var (driver, _) = failing { $0.count = 3 }
    driver.method(.basicCancel(consumerTag: "amqp-job-1"))
    #expect(driver.handle(.connectionClosed).finished == .itemTakenBack)
  }

  @Test func aSignalMeanwhileMakesItTheLastItem() {
    var (driver, _) = failing { $0.count = 3 }
    #expect(driver.handle(.signal(.terminate)).isEmpty)
    let methods = driver.handle(.copyPublished(.confirmed)).writes[0]
    #expect(methods.first == .basicCancel(consumerTag: "amqp-job-1") && methods.last == channelClose)
    #expect(driver.settle().finished == .signal(.terminate))
  }

  @Test func anInterruptionIsNoAttempt() {
    var driver = RunnerDriver()
    driver.consume()
    driver.deliver(properties)
    driver.handle(.signal(.terminate))
    let actions = driver.handle(.workerEnded(.killed(.terminate)))
    let copies = actions.compactMap { if case .publishCopy(let message, _) = $0 { message } else { nil } }
    #expect(copies.first?.properties.headers?["x-amqp-job-attempts"] == .int64(21))
    driver.handle(.copyPublished(.confirmed))
    #expect(driver.settle().finished == .signal(.terminate))
  }

  @Test func aDoneItemIsJustAcked() {
    var driver = RunnerDriver()
    driver.consume()
    driver.deliver(properties)
    #expect(driver.handle(.workerEnded(.exited(0))).writes[0].contains(.basicAck(deliveryTag: 1, multiple: false)))
  }
}
