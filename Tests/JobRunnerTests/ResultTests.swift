import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

@Suite struct ResultTests {
  private func driver(
    _ target: ResultOptions.Target = .queue("out"), on occasion: ResultOptions.Occasion = .all, maxAttempts: Int = 1
  ) -> RunnerDriver {
    var driver = RunnerDriver {
      $0.results = ResultOptions(target, on: occasion, maxSize: 100)
      $0.attempts.maxAttempts = maxAttempts
    }
    driver.consume(hasRetries: true)
    return driver
  }

  private func item(replyTo: ByteString? = nil, correlationID: ByteString? = nil) -> BasicProperties {
    var properties = BasicProperties()
    (properties.messageID, properties.replyTo, properties.correlationID) = ("m", replyTo, correlationID)
    return properties
  }

  @Test("A result goes to the queue that the user names, or to the one that the item names")
  func target() {
    var named = driver()
    named.deliver(item(replyTo: "asked"))
    #expect(named.runner.result(.exited(0), in: 0, host: "h", endedAt: named.now)?.destination == .queue("out"))
    var asked = driver(.replyTo)
    asked.deliver(item(replyTo: "asked"))
    #expect(asked.runner.result(.exited(0), in: 0, host: "h", endedAt: asked.now)?.destination == .queue("asked"))
    var silent = driver(.replyTo)
    silent.deliver(item())
    #expect(silent.runner.result(.exited(0), in: 0, host: "h", endedAt: silent.now) == nil)
  }

  @Test("A result does not go where its item comes from", arguments: ["q", "q.retry", "q.marks", "q.dead", "other"])
  func ownQueues(replyTo: String) throws {
    var driver = driver(.replyTo)
    driver.deliver(item(replyTo: ByteString(replyTo)))
    let result = try #require(driver.runner.result(.exited(0), in: 0, host: "h", endedAt: driver.now))
    #expect((result.refusal == nil) == (replyTo == "other"))
  }

  @Test("A result has the item's correlation id, or its message id")
  func correlation() {
    var driver = driver()
    driver.deliver(item(correlationID: "c"))
    #expect(driver.runner.result(.exited(0), in: 0, host: "h", endedAt: driver.now)?.properties.correlationID == "c")
    var other = self.driver()
    other.deliver(item())
    #expect(other.runner.result(.exited(0), in: 0, host: "h", endedAt: other.now)?.properties.correlationID == "m")
  }

  @Test("A result tells the worker's end, the attempt, the time and the host")
  func headers() throws {
    var driver = driver()
    driver.deliver(item())
    driver.now += .milliseconds(1500)
    let result = try #require(driver.runner.result(.exited(0), in: 0, host: "pod", endedAt: driver.now))
    let headers = try #require(result.properties.headers)
    #expect(headers[ItemHeader.status] == .int64(0) && headers[ItemHeader.attempts] == .int64(1))
    #expect(headers[ItemHeader.milliseconds] == .int64(1500) && headers[ItemHeader.host] == .string("pod"))
    #expect(headers[ItemHeader.queue] == .string("q") && result.properties.deliveryMode == 2)
  }

  @Test(
    "Only the results of the wanted occasion are published",
    arguments: [
      (ResultOptions.Occasion.success, ProcessStatus.exited(0), true), (.success, .exited(3), false),
      (.failure, .exited(0), false), (.failure, .killed(.kill), true), (.all, .exited(0), true),
      (.all, .exited(3), true),
    ])
  func occasion(occasion: ResultOptions.Occasion, status: ProcessStatus, isPublished: Bool) {
    var driver = driver(on: occasion)
    driver.deliver()
    #expect((driver.runner.result(status, in: 0, host: "h", endedAt: driver.now) != nil) == isPublished)
  }

  @Test("What failed and is tried again has no result yet")
  func retried() {
    var driver = driver(maxAttempts: 2)
    driver.deliver()
    #expect(driver.runner.result(.exited(3), in: 0, host: "h", endedAt: driver.now) == nil)
    #expect(driver.runner.result(.exited(0), in: 0, host: "h", endedAt: driver.now) != nil)
  }

  @Test("A worker that was told to end has no result")
  func interrupted() {
    var driver = driver()
    driver.deliver()
    driver.handle(.signal(.terminate))
    #expect(driver.runner.result(.killed(.terminate), in: 0, host: "h", endedAt: driver.now) == nil)
    #expect(driver.runner.result(.exited(0), in: 0, host: "h", endedAt: driver.now) != nil)
  }

  @Test("A result that no queue takes is a failed attempt")
  func refused() {
    var driver = driver(maxAttempts: 2)
    driver.deliver()
    let actions = driver.handle(.resultRefused(reason: "queue 'out': no queue is there for it", slot: 0))
    guard case .retry(_, let cause)? = actions.moves.first?.destination else {
      Issue.record("the item is not retried")
      return
    }
    #expect(cause.reason == .resultRefused && cause.status == .exited(0))
  }
}
