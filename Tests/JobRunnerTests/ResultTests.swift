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

  private func item(
    replyTo: ByteString? = nil, correlationID: ByteString? = nil, headers: FieldTable? = nil
  ) -> BasicProperties {
    var properties = BasicProperties()
    properties.headers = headers
    (properties.messageID, properties.replyTo, properties.correlationID) = ("m", replyTo, correlationID)
    return properties
  }

  @Test("A result goes to the queue that the user names, or to the one that the item names")
  func target() {
    var named = driver()
    named.deliver(item(replyTo: "asked"))
    #expect(named.result(before: .workerEnded(.exited(0)), host: "h")?.destination == .queue("out"))
    var asked = driver(.replyTo)
    asked.deliver(item(replyTo: "asked"))
    #expect(asked.result(before: .workerEnded(.exited(0)), host: "h")?.destination == .queue("asked"))
    var silent = driver(.replyTo)
    silent.deliver(item())
    #expect(silent.result(before: .workerEnded(.exited(0)), host: "h") == nil)
  }

  @Test("A result does not go where its item comes from", arguments: ["q", "q.retry", "q.marks", "q.dead", "other"])
  func ownQueues(replyTo: String) throws {
    var driver = driver(.replyTo)
    driver.deliver(item(replyTo: ByteString(replyTo)))
    let result = try #require(driver.result(before: .workerEnded(.exited(0)), host: "h"))
    #expect((result.refusal == nil) == (replyTo == "other"))
  }

  @Test("A result has the item's correlation id, or its message id")
  func correlation() {
    var driver = driver()
    driver.deliver(item(correlationID: "c"))
    #expect(driver.result(before: .workerEnded(.exited(0)), host: "h")?.properties.correlationID == "c")
    var other = self.driver()
    other.deliver(item())
    #expect(other.result(before: .workerEnded(.exited(0)), host: "h")?.properties.correlationID == "m")
  }

  @Test("A result tells the worker's end, the attempt, the time and the host")
  func headers() throws {
    var driver = driver()
    driver.deliver(item())
    driver.now += .milliseconds(1500)
    let result = try #require(driver.result(before: .workerEnded(.exited(0)), host: "pod"))
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
    #expect((driver.result(before: .workerEnded(status), host: "h") != nil) == isPublished)
  }

  @Test("What failed and is tried again has no result yet")
  func retried() {
    var driver = driver(maxAttempts: 2)
    driver.deliver()
    #expect(driver.result(before: .workerEnded(.exited(3)), host: "h") == nil)
    #expect(driver.result(before: .workerEnded(.exited(0)), host: "h") != nil)
  }

  @Test("A worker that was told to end has no result")
  func interrupted() {
    var driver = driver()
    driver.deliver()
    driver.handle(.signal(.terminate))
    #expect(driver.result(before: .workerEnded(.killed(.terminate)), host: "h") == nil)
    #expect(driver.result(before: .workerEnded(.exited(0)), host: "h") != nil)
  }

  @Test("A failure says why, and never has the status 0")
  func failure() throws {
    var driver = driver()
    driver.deliver(item())
    let failed = try #require(driver.result(before: .workerEnded(.exited(3)))?.properties.headers)
    #expect(failed[ItemHeader.reason] == .string("failed") && failed[ItemHeader.status] == .int64(3))
    let refused = try #require(driver.result(before: .resultRefused(reason: "gone", slot: 0))?.properties.headers)
    #expect(refused[ItemHeader.reason] == .string("result refused") && refused[ItemHeader.status] == .int64(1))
    driver.handle(.timer(.workerLimit))
    let late = try #require(driver.result(before: .workerEnded(.exited(0)))?.properties.headers)
    #expect(late[ItemHeader.reason] == .string("timed out") && late[ItemHeader.status] == .int64(124))
    let done = try #require(self.done()?.properties.headers)
    #expect(done[ItemHeader.reason] == nil)
  }

  private func done() -> JobResult? {
    var driver = driver()
    driver.deliver(item())
    return driver.result(before: .workerEnded(.exited(0)))
  }

  @Test(
    "However a job fails for the last time, its item has a result",
    arguments: [
      RunnerEvent.workerEnded(.killed(.kill), slot: 0), .workerDidNotStart(reason: "too large", slot: 0),
      .resultRefused(reason: "gone", slot: 0),
      .stepFailed(StepFailure(step: "blur", end: .lost, standardError: nil), slot: 0),
      .stepFailed(StepFailure(step: "blur", end: .ended(.exited(2)), standardError: nil), slot: 0),
    ])
  func everyEnd(end: RunnerEvent) {
    var last = driver(.replyTo, on: .failure)
    last.deliver(item(replyTo: "asked"))
    #expect(last.result(before: end)?.destination == .queue("asked"))
    var first = driver(.replyTo, maxAttempts: 2)
    first.deliver(item(replyTo: "asked"))
    #expect(first.result(before: end) == nil)
    var unwanted = driver(.replyTo, on: .success)
    unwanted.deliver(item(replyTo: "asked"))
    #expect(unwanted.result(before: end) == nil)
  }

  @Test("An item that the broker is to dead-letter has its result first")
  func rejected() {
    var driver = RunnerDriver {
      $0.results = ResultOptions(.queue("out"), on: .all, maxSize: 100)
      $0.attempts.onFailure = .reject
    }
    driver.work()
    #expect(driver.result(before: .workerDidNotStart(reason: "too large", slot: 0)) != nil)
  }

  @Test("An item that is dead-lettered without a worker has a result that says why")
  func unrun() throws {
    var exhausted = driver()
    exhausted.deliver(
      item(headers: [
        ItemHeader.attempts: .int64(1), ItemHeader.lastReason: .string("killed"),
        ItemHeader.lastSignal: .string("KILL"),
      ]))
    let result = try #require(exhausted.runner.resultOfUnrun(in: 0, host: "pod"))
    let headers = try #require(result.properties.headers)
    #expect(headers[ItemHeader.reason] == .string("killed") && headers[ItemHeader.status] == .int64(137))
    #expect(headers[ItemHeader.attempts] == .int64(1) && result.properties.correlationID == "m" && !result.isSuccess)

    var large = driver()
    large.handle(.tooLarge(RunnerDriver.envelope, item(), slot: 0))
    let tooLarge = try #require(large.runner.resultOfUnrun(in: 0, host: "pod")?.properties.headers)
    #expect(tooLarge[ItemHeader.reason] == .string("too large") && tooLarge[ItemHeader.status] == .int64(1))
    #expect(tooLarge[ItemHeader.attempts] == .int64(0))
  }

  @Test("An item that a worker had has no second result")
  func onlyOnce() {
    var driver = driver()
    driver.deliver(item())
    driver.handle(.workerEnded(.exited(3)))
    #expect(driver.runner.resultOfUnrun(in: 0, host: "h") == nil)
  }

  @Test("A result that no queue takes is a failed attempt")
  func refused() {
    var driver = driver(maxAttempts: 2)
    driver.deliver()
    let actions = driver.handle(.resultRefused(reason: "queue 'out': no queue is there for it", slot: 0))
    guard case .retry(_, let cause, _)? = actions.moves.first?.destination else {
      Issue.record("the item is not retried")
      return
    }
    #expect(cause.reason == .resultRefused && cause.status == .exited(0))
  }
}

extension RunnerDriver {
  static let envelope = Envelope(
    consumerTag: "amqp-job-1", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")

  func result(before end: RunnerEvent, host: String = "h") -> JobResult? {
    runner.result(before: end, host: host, endedAt: now)
  }
}
