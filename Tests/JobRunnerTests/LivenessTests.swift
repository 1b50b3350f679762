import AMQP
import Glibc
import Linux
import Testing

@testable import JobRunner

@Suite struct LivenessRecordTests {
  @Test("A liveness record is read as it was written", arguments: [0, 1, 12_345_678_901, UInt64.max], [true, false])
  func isReadAsItWasWritten(time: UInt64, isServing: Bool) {
    let record = LivenessRecord(time: time, isServing: isServing)
    #expect(LivenessRecord(record.bytes) == record)
    #expect(record.bytes.count == 44)
  }

  @Test(
    "Other text is no liveness record",
    arguments: [
      "", "\n", "amqp-job", "amqp-job alive 00000000000000000001", "amqp-job alive 00000000000000000001 serving",
      "amqp-job alive 00000000000000000001 serving\n\n", "amqp-job alive 0000000000000000000x serving\n",
      "amqp-job alive 99999999999999999999 serving\n", "amqp-job alive 1 serving\n",
      "amqp-jobs alive 0000000000000000001 serving\n",
    ])
  func isNothingElse(text: String) { #expect(LivenessRecord(Array(text.utf8)) == nil) }

  private func unhealthyReason(
    age: Duration, isServing: Bool = true, asksForBroker: Bool = false
  ) -> String? {
    let now: UInt64 = 1_000_000_000_000
    return LivenessRecord(time: now - UInt64(age / .nanoseconds(1)), isServing: isServing)
      .unhealthyReason(at: now, maxAge: .seconds(30), asksForBroker: asksForBroker)
  }

  @Test("A liveness record counts until it is too old") func isFreshUntilItIsTooOld() {
    #expect(unhealthyReason(age: .zero) == nil)
    #expect(unhealthyReason(age: .seconds(30)) == nil)
    #expect(unhealthyReason(age: .milliseconds(30_001))?.contains("30s") == true)
    #expect(unhealthyReason(age: .seconds(900))?.contains("900s") == true)
  }

  @Test("The broker matters only to a probe that asks for it") func theBrokerMattersWhereItIsAskedFor() {
    #expect(unhealthyReason(age: .zero, isServing: false) == nil)
    #expect(unhealthyReason(age: .zero, isServing: false, asksForBroker: true)?.contains("broker") == true)
    #expect(unhealthyReason(age: .zero, asksForBroker: true) == nil)
    #expect(unhealthyReason(age: .seconds(31), asksForBroker: true)?.contains("31s") == true)
  }

  @Test("A liveness record of the future is from before this host was started")
  func isNotOfThisBootIfItIsOfTheFuture() {
    let record = LivenessRecord(time: 2, isServing: true)
    #expect(record.unhealthyReason(at: 1, maxAge: .seconds(30), asksForBroker: false) != nil)
  }
}

@Suite struct LivenessTests {
  private let path: String

  init() { path = "/tmp/amqp-job-liveness-\(UInt64.random(in: .min ... .max))" }

  private func record() throws -> LivenessRecord { try #require(LivenessRecord(RecordFile.read(path))) }

  @Test("Signs of life come at once, then periodically and with news")
  func givesSignsAtOnceThenPeriodicallyAndWithNews() throws {
    var liveness = try Liveness(path: path)
    defer { unlink(path) }
    let first = try record()
    #expect(!first.isServing)
    let due = liveness.next

    #expect(liveness.update(isServing: false, now: due - .milliseconds(1)) == nil)
    #expect(try record() == first)
    #expect(liveness.update(isServing: false, now: due) == nil)
    let second = try record()
    #expect(second.time > first.time)
    #expect(liveness.next > due - Liveness.period)

    #expect(liveness.update(isServing: true, now: .now) == nil)
    #expect(try record().isServing)
    #expect(try record().time > second.time)
    liveness.remove()
    #expect(throws: SystemError(call: "open", code: ENOENT)) { try RecordFile.read(path) }
  }

  @Test("A liveness file that a runner left is taken over") func takesOverWhatARunnerLeft() throws {
    _ = try Liveness(path: path)
    defer { unlink(path) }
    let left = try record()
    _ = try Liveness(path: path)
    #expect(try record().time > left.time)
  }
}

@Suite struct ServingTests {
  @Test("A runner is ready from the broker's word about the queue until it loses the connection")
  func beginsWithTheBrokersWordOnTheQueueAndEndsWithTheConnection() {
    var driver = RunnerDriver { $0.extent = .count(2) }
    _ = driver.start()
    driver.handle(.connected(nil))
    #expect(!driver.runner.isServing)
    driver.inspect()
    #expect(driver.runner.isServing)
    driver.deliver()
    #expect(driver.runner.isServing)
    driver.handle(RunnerDriver.lost())
    #expect(!driver.runner.isServing)
  }

  @Test("A runner is ready again with the next connection, even if a worker may finish meanwhile")
  func goesOnWithTheNextConnectionAlsoForAWorkerThatMayFinish() {
    var driver = RunnerDriver { $0.worker.onDisconnect = .finish }
    driver.work()
    driver.handle(RunnerDriver.lost())
    #expect(!driver.runner.isServing)
    driver.reconnect()
    #expect(driver.runner.isServing)
  }

  @Test("A runner that waits for its queue to be declared is not ready") func isNotWaitingForAQueueToBeDeclared() {
    var driver = RunnerDriver { $0.waitFirst = .seconds(60) }
    _ = driver.start()
    driver.handle(.connected(nil))
    let missing = Method.channelClose(.init(code: .notFound, text: "NOT_FOUND - no queue 'q' in vhost '/'"))
    driver.method(missing, on: 2)
    driver.method(missing, on: 3)
    #expect(driver.runner.phase == .awaitingQueue)
    #expect(!driver.runner.isServing)
  }
}
