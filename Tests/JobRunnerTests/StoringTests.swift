import AMQP
import Console
import Linux
import Testing

@testable import JobRunner

/// Items whose bodies cannot be stored.
@Suite struct StoringTests {
  private static func notStored(
    _ headers: FieldTable = [:], isRedelivered: Bool = false, consumerTag: ByteString = "amqp-job-1"
  ) -> RunnerEvent {
    var properties = BasicProperties()
    properties.headers = headers
    let envelope = Envelope(
      consumerTag: consumerTag, deliveryTag: 1, isRedelivered: isRedelivered, exchange: "", routingKey: "q")
    return .notStored(envelope, properties, reason: "No space left on device", slot: 0)
  }

  @Test("An item that cannot be stored goes back as it was, and ends the runner", arguments: [true, false])
  func oneGoesBackAsItWasAndIsTheEnd(hasRetries: Bool) {
    var driver = RunnerDriver { $0.extent = .forever }
    driver.consume(hasRetries: hasRetries)
    let actions = driver.handle(Self.notStored(["x-delivery-count": .int64(2)], isRedelivered: true))
    #expect(actions.moves == [Move(destination: .queue, attempts: 2)] && actions.writes.isEmpty)
    #expect(actions.errors.count == 1 && actions.errors[0].contains("No space left"))
    #expect(actions.sets(.settlementLimit, after: .seconds(5)) && !actions.startsWorker)
    let end = driver.handle(.moveConfirmed(slot: 0))
    #expect(
      end.writes == [
        [.basicCancel(consumerTag: "amqp-job-1"), .basicAck(deliveryTag: 1, multiple: false), channelClose]
      ])
    #expect(end.contains(.releaseBody(slot: 0)))
    #expect(driver.settle().finished == .inputOutputError)
  }

  @Test("A copy that makes progress is waited for") func aCopyThatComesForwardIsWaitedFor() {
    var driver = RunnerDriver()
    driver.consume()
    driver.handle(Self.notStored())
    #expect(driver.handle(.moveAdvanced(slot: 0)).sets(.settlementLimit, after: .seconds(5)))
    driver.handle(.signal(.terminate))
    #expect(driver.handle(.moveAdvanced(slot: 0)).isEmpty)
  }

  @Test("An item that can neither be stored nor copied goes back itself") func withoutACopyItGoesBackItself() {
    var driver = RunnerDriver()
    driver.consume()
    driver.handle(Self.notStored())
    let actions = driver.handle(.moveFailed(reason: "ACCESS_REFUSED", slot: 0))
    #expect(actions.writes[0].contains(.basicNack(deliveryTag: 1, multiple: false, requeue: true)))
    #expect(actions.contains(.releaseBody(slot: 0)) && !actions.startsWorker)
    #expect(driver.settle().finished == .inputOutputError)
  }

  /// A broker that is short of memory takes the copy when it has room again.
  @Test("A broker that takes no copies for a while is waited for") func aBrokerThatTakesNoCopiesForAWhileIsWaitedFor() {
    var driver = RunnerDriver()
    driver.consume()
    driver.handle(Self.notStored())
    driver.handle(.movesBlocked(reason: "low on memory"))
    #expect(driver.handle(.timer(.settlementLimit)).sets(.settlementLimit, after: .seconds(5)))
  }

  @Test("The other workers end before a runner that cannot store an item") func theOthersEndFirst() {
    var driver = RunnerDriver {
      $0.extent = .count(2)
      $0.parallelism = 2
    }
    driver.consume()
    driver.deliver(slot: 1)
    driver.handle(Self.notStored())
    driver.handle(.moveConfirmed(slot: 0))
    #expect(driver.settle().finished == nil)
    #expect(driver.handle(.workerEnded(.exited(0), slot: 1)).writes.count == 1)
    #expect(driver.method(.channelCloseOK, on: 2).finished == .inputOutputError)
  }
}
