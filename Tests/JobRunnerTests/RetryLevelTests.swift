import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// Several retry queues, one for each delay.
@Suite struct RetryLevelTests {
  private static let backoff = RetryBackoff(first: .seconds(1), factor: 2, max: .seconds(4))
  private static let sideChannel: UInt16 = 2

  private static func passive(_ name: ByteString) -> AMQP.Method {
    .queueDeclare(.init(name: name, isPassive: true))
  }

  private static func status(_ name: ByteString, _ count: UInt32 = 0) -> AMQP.Method {
    .queueDeclareOK(.init(name: name, messageCount: count, consumerCount: name == "q" ? 1 : 0))
  }

  private static func missing(_ name: String) -> AMQP.Method {
    .channelClose(CloseReason(code: .notFound, text: "NOT_FOUND - no queue '\(name)' in vhost '/'"))
  }

  private static let hidden = InspectionTests.refusal(.accessRefused)

  /// A runner that consumes from a queue with retries, and does not know yet how many retry queues there are.
  private static func consuming(_ configure: (inout JobOptions) -> Void = { _ in }) -> RunnerDriver {
    var driver = InspectionTests.connected {
      $0.extent = .drain
      configure(&$0)
    }
    for _ in 1...(3 + driver.runner.options.attempts.retryLevels) { driver.method(RunnerDriver.found, on: sideChannel) }
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    return driver
  }

  /// A probe begins after the search, in which this many retry queues are found.
  private static func probing(levels: Int, _ driver: inout RunnerDriver) -> [RunnerAction] {
    let known = driver.runner.options.attempts.retryLevels
    var actions = driver.handle(.timer(.idle))
    let names = WorkQueue("q").retryNames(levels: levels + 1).dropFirst(known)
    for name in names.dropLast() {
      #expect(actions.writes.last?.last == passive(ByteString(name)))
      actions = driver.method(status(ByteString(name)), on: sideChannel)
    }
    #expect(actions.writes.last?.last == names.last.map { passive(ByteString($0)) })
    return driver.method(missing(names.last ?? ""), on: sideChannel)
  }

  // MARK: Draining

  @Test("A runner without the options looks for all retry queues before its first probe") func search() {
    var driver = Self.consuming()
    let probe = Self.probing(levels: 3, &driver)
    let names: [ByteString] = ["q", "q.retry", "q.retry.2", "q.retry.3", "q.marks", "q"]
    #expect(probe.writes == [names.map(Self.passive)])
    for name in names { driver.method(Self.status(name)) }
    driver.method(.basicGetEmpty)
    driver.method(.basicGetEmpty)
    driver.method(.basicGetEmpty)
    driver.method(Self.status("q"))
    #expect(driver.runner.drain.finding == .empty)
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    // It does not look again on this connection.
    #expect(driver.handle(.timer(.probe)).writes == [[Self.passive("q")]])
  }

  @Test("An item in any retry queue is waited for", arguments: ["q.retry", "q.retry.2", "q.retry.3"] as [ByteString])
  func waiting(place: ByteString) {
    var driver = Self.consuming()
    _ = Self.probing(levels: 3, &driver)
    for name: ByteString in ["q", "q.retry", "q.retry.2", "q.retry.3", "q.marks", "q"] {
      driver.method(Self.status(name, name == place ? 1 : 0))
    }
    #expect(driver.runner.drain.finding == .retries)
  }

  @Test("The leader of each retry queue is asked, and a message from any of them is an item")
  func leaders() {
    var driver = Self.consuming()
    _ = Self.probing(levels: 2, &driver)
    let names: [ByteString] = ["q", "q.retry", "q.retry.2", "q.marks", "q"]
    let asked = names.map { driver.method(Self.status($0)) }.last?.writes
    #expect(asked == [[.basicGet(queue: "q.retry"), .basicGet(queue: "q.retry.2"), Self.passive("q")]])
    driver.method(.basicGetEmpty)
    let envelope = Envelope(
      consumerTag: "", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q.retry.2")
    let got = driver.handle(.delivered(envelope, BasicProperties(), digest: nil, slot: 0))
    #expect(got.writes == [[.basicNack(deliveryTag: 1, multiple: false, requeue: true)]])
    driver.method(Self.status("q"))
    #expect(driver.runner.drain.finding == .retries)
  }

  @Test("A new connection is asked anew") func newConnection() {
    var driver = Self.consuming()
    _ = Self.probing(levels: 3, &driver)
    driver.handle(RunnerDriver.lost())
    #expect(driver.runner.retryQueues == ["q.retry"])
    #expect(driver.runner.inspection.retryLevels.knownSince == nil)
  }

  @Test("An item that comes during the search is run") func itemDuringSearch() {
    var driver = Self.consuming()
    driver.handle(.timer(.idle))
    #expect(driver.deliver().startsWorker)
    #expect(driver.method(Self.missing("q.retry.2"), on: Self.sideChannel).isEmpty)
    #expect(driver.runner.inspection.retryLevels.knownSince != nil && driver.runner.phase == .serving)
  }

  @Test("A broker that does not answer the search is not waited for without end") func silence() {
    var driver = Self.consuming()
    driver.handle(.timer(.idle))
    #expect(driver.handle(.timer(.connectLimit)).finished == .unreachable)
  }

  // MARK: Marks

  /// Probes that find one mark and nothing else, for the time after which marks are removed.
  private static func seeMark(_ driver: inout RunnerDriver) -> [RunnerAction] {
    var last: [RunnerAction] = []
    for pause in [1, 150, 150] {
      last = probeMark(&driver)
      driver.now += .seconds(pause)
      driver.handle(.timer(.probe))
    }
    return last + probeMark(&driver)
  }

  private static func probeMark(_ driver: inout RunnerDriver) -> [RunnerAction] {
    if driver.runner.slots[0].state == .idle { _ = driver.counted(0, 0) }
    let levels = driver.runner.inspection.retryLevels.count
    driver.method(status("q"))
    for _ in 1...levels { driver.method(status("q.retry")) }
    driver.method(status("q.marks", 1))
    driver.method(status("q"))
    return driver.method(.basicCancelOK(consumerTag: driver.runner.slots[0].consumerTag))
  }

  @Test("Before a mark is removed, retry queues that were made meanwhile are looked for") func lateLevels() {
    var driver = Self.consuming()
    _ = Self.probing(levels: 1, &driver)
    let late = Self.seeMark(&driver)
    #expect(!late.writes.joined().contains(.basicGet(queue: "q.marks", noAck: true)))
    #expect(driver.handle(.timer(.probe)).writes == [[.channelOpen, Self.passive("q.retry.2")]])
    driver.method(Self.status("q.retry.2", 1), on: Self.sideChannel)
    driver.method(Self.missing("q.retry.3"), on: Self.sideChannel)
    #expect(driver.runner.retryQueues == ["q.retry", "q.retry.2"])
  }

  @Test("A mark is not removed if its item may be where the user may not look") func hiddenLevel() {
    var driver = Self.consuming()
    driver.handle(.timer(.idle))
    driver.method(Self.hidden, on: Self.sideChannel)
    let end = Self.seeMark(&driver)
    #expect(end.errors.first?.contains("may not look for queue 'q.retry.2'") == true)
    #expect(driver.finished == .notPermitted)
  }

  @Test("An item that comes from any retry queue has a mark") func marked() {
    for name in ["q.retry", "q.retry.2"] as [ByteString] {
      var driver = Self.consuming()
      var properties = BasicProperties()
      properties.headers = ["x-first-death-queue": .string(name)]
      driver.deliver(properties)
      let settled = driver.handle(.workerEnded(.exited(0)))
      #expect(settled.writes.joined().contains(.basicGet(queue: "q.marks", noAck: true)))
    }
  }

  // MARK: Growing delays

  @Test(
    "A failed item waits in the queue of its attempt",
    arguments: [(1, 1, 1), (2, 2, 2), (3, 4, 3), (4, 4, 3), (8, 4, 3)])
  func destination(attempt: Int, seconds: Int, level: Int) throws {
    for (random, share) in [(0.0, 0.9), (0.5, 1), (1, 1.1)] {
      var driver = RunnerDriver(
        {
          $0.attempts.backoff = Self.backoff
          $0.attempts.maxAttempts = 9
        }, jitter: { random })
      driver.consume(hasRetries: true)
      var properties = BasicProperties()
      properties.headers = ["x-amqp-job-attempts": .int64(Int64(attempt - 1))]
      driver.deliver(properties)
      let move = try #require(driver.handle(.workerEnded(.exited(3))).moves.first)
      let cause = DeadLetterCause(reason: .failed, status: .exited(3))
      let delay = Duration.milliseconds(Int64((Double(seconds) * 1000 * share).rounded()))
      #expect(move == Move(destination: .retry(after: delay, cause, level: level), attempts: attempt))
      let envelope = Envelope(consumerTag: "c", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")
      let item = WorkItem(envelope: envelope, properties: properties, queue: "q")
      #expect(move.destination.destination(of: item) == .queue(WorkQueue("q").retryName(level: level)))
    }
  }

  @Test("Growing delays are asked for with one question for each retry queue") func inspection() {
    var driver = InspectionTests.connected { $0.attempts.backoff = Self.backoff }
    for _ in 1...5 { #expect(driver.method(RunnerDriver.found, on: Self.sideChannel).writes.isEmpty) }
    #expect(!driver.method(RunnerDriver.found, on: Self.sideChannel).writes.isEmpty)
    #expect(driver.runner.phase == .serving && driver.runner.retryQueues == ["q.retry", "q.retry.2", "q.retry.3"])
  }

  @Test("A runner does not begin without a retry queue that it needs, and says how to make it")
  func missingLevel() {
    var driver = InspectionTests.connected { $0.attempts.backoff = Self.backoff }
    for _ in 1...5 { driver.method(RunnerDriver.found, on: Self.sideChannel) }
    let errors = driver.method(RunnerDriver.notMade("q.retry.3"), on: Self.sideChannel).errors
    let cure = "'amqp-job declare q --retry-delay 1s --retry-backoff 2 --retry-max 4s' makes what is missing"
    #expect(errors.first?.contains("'q.retry.3'") == true && errors.first?.hasSuffix(cure) == true)
    #expect(driver.finished == .wrongQueue)
  }

  @Test("A queue that is called declared has to have the retry queues, too") func assumed() {
    var driver = RunnerDriver {
      $0.assumed = .declared
      $0.attempts.backoff = Self.backoff
    }
    guard case .connect(let questions)? = driver.start().first else {
      Issue.record("it does not connect first")
      return
    }
    let names: [ByteString] = ["q.retry", "q.retry.2", "q.retry.3", "q.dead", "q.marks"]
    #expect(
      questions.filter { $0.channel == Self.sideChannel }.map(\.method) == [.channelOpen] + names.map(Self.passive))
    driver.handle(.connected(nil))
    driver.method(RunnerDriver.found, on: Self.sideChannel)
    let errors = driver.method(Self.missing("q.retry.2"), on: Self.sideChannel).errors
    #expect(errors.first?.contains("--retry-backoff 2") == true && driver.finished == .wrongQueue)
  }

  // MARK: Progress

  @Test("What waits in any retry queue is left") func progress() {
    var driver = InspectionTests.connected {
      $0.extent = .drain
      $0.report.progressPeriod = .seconds(1)
    }
    for _ in 1...3 { driver.method(RunnerDriver.found, on: Self.sideChannel) }
    #expect(driver.method(RunnerDriver.found, on: Self.sideChannel).writes == [[Self.passive("q.retry.2")]])
    driver.method(Self.status("q.retry.2"), on: Self.sideChannel)
    #expect(!driver.method(Self.missing("q.retry.3"), on: Self.sideChannel).writes.isEmpty)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.handle(.timer(.progress))
    var shown: [WorkDone] = []
    for (name, count) in [("q", 1), ("q.retry", 2), ("q.retry.2", 4)] as [(ByteString, UInt32)] {
      shown = driver.method(Self.status(name, count), on: 4).compactMap {
        if case .progress(let work) = $0 { work } else { nil }
      }
    }
    #expect(shown == [WorkDone(done: 0, failed: 0, left: 7)])
  }
}
