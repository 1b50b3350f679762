import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// A queue that the runner declares for itself, or that may go with its last consumer.
@Suite struct OwnQueueTests {
  private static let setUpChannel: UInt16 = 2

  private func driver(
    _ own: OwnQueue = OwnQueue(isExclusive: false), queue: String = "", count: Int = .max
  ) -> RunnerDriver {
    RunnerDriver {
      $0.queue = queue
      $0.queueOrigin = .own(own)
      $0.extent = .count(count)
      $0.connection.waitsForBroker = false
    }
  }

  private func declared(_ name: String) -> AMQP.Method {
    .queueDeclareOK(.init(name: ByteString(name), messageCount: 0, consumerCount: 0))
  }

  @Test("A queue of the runner's own is declared together with the login") func isDeclaredWithTheLogin() {
    var driver = driver(OwnQueue(isExclusive: true), queue: "mine")
    guard case .connect(let opening)? = driver.start().first else {
      Issue.record("it does not connect first")
      return
    }
    let declaration = Method.queueDeclare(
      .init(name: "mine", isDurable: false, isExclusive: true, isAutoDelete: true))
    #expect(opening.map(\.method) == [.channelOpen, declaration, .channelOpen])
    #expect(opening.map(\.channel) == [2, 2, 1])
    driver.handle(.connected(nil))
    let actions = driver.method(declared("mine"), on: Self.setUpChannel)
    #expect(
      actions.writes == [
        [
          .basicQoS(prefetchCount: 1),
          .basicConsume(queue: "mine", consumerTag: "amqp-job-1", arguments: Slot.arguments(priority: 0)),
        ]
      ])
    #expect(!actions.contains(.queueNamed("mine")))
  }

  @Test("A queue of the runner's own is bound by each key before it is consumed")
  func isBoundByEachKeyBeforeItIsConsumed() {
    var driver = driver(OwnQueue(isExclusive: false, exchange: "x", routingKeys: ["a", ""]))
    _ = driver.start()
    driver.handle(.connected(nil))
    let actions = driver.method(declared("amq.gen-1"), on: Self.setUpChannel)
    #expect(actions.contains(.queueNamed("amq.gen-1")))
    #expect(
      actions.writes == [
        [
          .queueBind(queue: "amq.gen-1", exchange: "x", routingKey: "a"),
          .queueBind(queue: "amq.gen-1", exchange: "x", routingKey: ""),
        ]
      ])
    #expect(driver.method(.queueBindOK, on: Self.setUpChannel).writes.isEmpty)
    let last = driver.method(.queueBindOK, on: Self.setUpChannel).writes
    #expect(
      last.last?.last
        == .basicConsume(queue: "amq.gen-1", consumerTag: "amqp-job-1", arguments: Slot.arguments(priority: 0)))
    guard case .startWorker(let item, slot: 0)? = driver.deliver().first else {
      Issue.record("no worker is started")
      return
    }
    #expect(item.queue == "amq.gen-1")
  }

  @Test(
    "A queue of the runner's own that is refused ends the runner",
    arguments: [
      (ReplyCode.notFound, Console.ExitStatus.noQueue), (.accessRefused, .notPermitted), (.resourceLocked, .wrongQueue),
      (.preconditionFailed, .wrongQueue), (.internalError, .temporaryFailure),
    ])
  func oneThatIsRefusedEndsIt(code: ReplyCode, status: Console.ExitStatus) {
    var driver = driver()
    _ = driver.start()
    driver.handle(.connected(nil))
    let actions = driver.method(.channelClose(CloseReason(code: code, text: "why")), on: Self.setUpChannel)
    #expect(actions.errors.count == 1 && actions.errors[0].contains("why") && driver.finished == status)
  }

  @Test("A queue of the runner's own goes with the connection", arguments: [false, true])
  func goesWithTheConnection(isWorking: Bool) {
    var driver = consuming()
    if isWorking { driver.deliver() }
    let actions = driver.handle(RunnerDriver.lost())
    #expect(actions.errors.count == 1 && actions.errors[0].contains("amq.gen-1"))
    if isWorking { driver.handle(.workerEnded(.exited(0))) }
    #expect(driver.finished == .temporaryFailure)
  }

  @Test("A broker that is out of reach at first is tried once") func aBrokerThatIsNotThereAtFirstIsTriedOnce() {
    for origin in [JobOptions.QueueOrigin.any, .own(OwnQueue(isExclusive: false))] {
      var driver = RunnerDriver {
        $0.queueOrigin = origin
        $0.connection.waitsForBroker = false
      }
      _ = driver.start()
      let actions = driver.handle(RunnerDriver.lost(.unreachable))
      #expect(actions.finished == .unreachable && actions.errors.count == 1)
    }
  }

  @Test("A broker that is lost later is waited for") func aBrokerThatIsLostLaterIsWaitedFor() {
    var driver = RunnerDriver {
      $0.queueOrigin = .any
      $0.connection.waitsForBroker = false
    }
    driver.consume()
    #expect(driver.handle(RunnerDriver.lost()).sets(.connectLimit, after: .seconds(60)))
    #expect(driver.handle(RunnerDriver.lost(.unreachable)).finished == nil)
  }

  @Test("A runner of no item declares its own queue and consumes once")
  func noItemAskedForMeansThatTheQueueIsMadeAndConsumed() {
    var driver = driver(count: 0)
    _ = driver.start()
    driver.handle(.connected(nil))
    let actions = driver.method(declared("amq.gen-1"), on: Self.setUpChannel)
    #expect(
      actions.writes.last?.last
        == .basicConsume(queue: "amq.gen-1", consumerTag: "amqp-job-1", arguments: Slot.arguments(priority: 0)))
    let confirmed = driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    #expect(confirmed.writes == [[.basicCancel(consumerTag: "amqp-job-1")]])
    driver.method(.basicCancelOK(consumerTag: "amqp-job-1"))
    #expect(driver.finished == .success)
  }

  @Test("A runner of no item only checks that the queue exists") func noItemAskedForMeansThatAQueueIsThere() {
    var driver = RunnerDriver {
      $0.queueOrigin = .any
      $0.extent = .count(0)
    }
    #expect(driver.open().writes.isEmpty && driver.finished == .success)
  }

  @Test("Any queue may be transient if the user says so", arguments: ["durable", "auto_delete", "exclusive"])
  func anyQueueMayBeTransient(property: String) {
    var driver = RunnerDriver { $0.queueOrigin = .any }
    _ = driver.start()
    driver.handle(.connected(nil))
    #expect(
      driver.method(RunnerDriver.differs(property, "received 'true' but current is 'false'"), on: 2).writes.count == 1)
  }

  // MARK: Pauses

  @Test("A queue that deletes itself is consumed all through a pause") func isConsumedAllThroughAPause() {
    var driver = consuming()
    driver.deliver()
    driver.handle(.workerEnded(.exited(1)))
    driver.deliver()
    let failed = driver.handle(.workerEnded(.exited(1)))
    #expect(failed.writes == [[.basicReject(deliveryTag: 2, requeue: true)]])
    #expect(failed.sets(.pause, after: .milliseconds(250)))
    // An item that comes back meanwhile has to wait.
    #expect(!driver.deliver().startsWorker)
    #expect(driver.handle(.timer(.pause)).startsWorker)
  }

  @Test("An item that came in a pause goes back unrun if the runner ends")
  func whatCameInAPauseGoesBackUnrunWhereItEnds() {
    var driver = consuming()
    for _ in 1...2 {
      driver.deliver()
      driver.handle(.workerEnded(.exited(1)))
    }
    driver.deliver()
    let actions = driver.handle(.signal(.terminate))
    #expect(!actions.startsWorker && actions.moves == [Move(destination: .queue, attempts: 0)])
  }

  @Test("A runner with --forever ends by a signal only") func servingForEverEndsByASignalOnly() {
    var driver = consuming()
    driver.deliver()
    driver.handle(.workerEnded(.exited(0)))
    driver.deliver()
    #expect(driver.handle(.signal(.terminate)).signals == [.terminate])
    driver.handle(.workerEnded(.killed(.terminate)))
    _ = driver.settle()
    #expect(driver.finished == .signal(.terminate))
  }

  private func consuming() -> RunnerDriver {
    var driver = driver()
    _ = driver.start()
    driver.handle(.connected(nil))
    driver.method(declared("amq.gen-1"), on: Self.setUpChannel)
    driver.method(.basicQoSOK)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    return driver
  }
}
