import AMQP
import Broker
import Console
import Linux
import Testing

@testable import JobRunner

/// The queues beside a plain queue, and a dead-letter exchange that the owner of the queue chose.
@Suite struct NeighbourTests {
  private static func working(_ configure: (inout JobOptions) -> Void = { _ in }) -> RunnerDriver {
    var driver = connected(configure)
    driver.method(RunnerDriver.plain, on: 2)
    driver.method(RunnerDriver.found, on: 2)
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    driver.deliver()
    return driver
  }

  private static func connected(_ configure: (inout JobOptions) -> Void) -> RunnerDriver {
    InspectionTests.connected(to: ServerVersion(4, 0), configure)
  }

  @Test("A success does not ask what is beside a plain queue") func whatIsBesideAPlainQueueIsOfNoInterestToASuccess() {
    var driver = Self.working()
    #expect(
      driver.handle(.workerEnded(.exited(0))).writes.joined().contains(.basicAck(deliveryTag: 1, multiple: false)))
  }

  @Test("A failure is judged once it is known what is beside the queue")
  func aFailureIsJudgedWhenItIsKnownWhatIsBesideTheQueue() {
    var driver = Self.working()
    let asked = driver.handle(.workerEnded(.exited(3))).writes
    #expect(asked.count == 1 && asked[0].first == .queueDeclare(.init(name: "q.retry", isPassive: true)))
    let end = driver.method(RunnerDriver.missing, on: 2)
    #expect(end.writes.joined().contains(.basicReject(deliveryTag: 1, requeue: true)))
    _ = driver.settle()
    #expect(driver.finished?.rawValue == 3)
  }

  @Test("A broker that does not say what is beside the queue is not waited for without end")
  func aBrokerThatDoesNotSayItIsNotWaitedForForEver() {
    var driver = Self.working { $0.connection.connectTimeout = .seconds(7) }
    #expect(driver.handle(.workerEnded(.exited(3))).sets(.searchLimit, after: .seconds(7)))
    #expect(driver.handle(.timer(.searchLimit)).contains(.disconnect))
    #expect(driver.finished == .temporaryFailure)
  }

  @Test("A runner that a signal ends does not wait to know what is beside the queue")
  func whoIsToldToEndDoesNotWaitForIt() {
    var driver = Self.working()
    driver.handle(.workerEnded(.exited(3)))
    let end = driver.handle(.signal(.terminate))
    #expect(end.writes.joined().contains(.basicNack(deliveryTag: 1, multiple: false, requeue: true)))
    _ = driver.settle()
    #expect(driver.finished == .signal(.terminate))
  }

  @Test("Queues to which a plain queue does not refer do not belong to it")
  func queuesThatThisOneDoesNotReferToAreNotItsOwn() {
    var driver = Self.working()
    driver.handle(.workerEnded(.exited(3)))
    driver.method(RunnerDriver.found, on: 2)
    let end = driver.method(RunnerDriver.found, on: 2)
    #expect(end.moves.isEmpty && end.writes.joined().contains(.basicReject(deliveryTag: 1, requeue: true)))
    _ = driver.settle()
    #expect(driver.finished == .wrongQueue)
  }

  @Test("A failure that is not judged yet is lost with its connection")
  func aFailureThatIsNotJudgedYetGoesWithItsConnection() {
    var driver = Self.working()
    driver.handle(.workerEnded(.exited(3)))
    driver.handle(RunnerDriver.lost())
    #expect(driver.finished == .temporaryFailure)
  }

  // MARK: The owner's dead-letter exchange

  private static func deadLettering(_ configure: (inout JobOptions) -> Void = { _ in }) -> RunnerDriver {
    var driver = connected(configure)
    driver.method(RunnerDriver.differs("x-dead-letter-exchange", "received '' but current is 'dlx'"), on: 2)
    driver.method(RunnerDriver.found, on: 2)
    if driver.runner.inspection.targetSearch != nil { driver.method(.other(0x0028_000b), on: 2) }
    driver.method(.basicConsumeOK(consumerTag: "amqp-job-1"))
    return driver
  }

  private static func returned(_ count: Int64) -> BasicProperties {
    var properties = BasicProperties()
    properties.headers = ["x-delivery-count": .int64(count)]
    return properties
  }

  @Test("A delivery limit that the owner set is not put off by copies") func theOwnersLimitIsNotPutOff() {
    var driver = Self.deadLettering()
    #expect(driver.deliver(Self.returned(15), isRedelivered: true).startsWorker)
    #expect(
      driver.handle(.workerEnded(.exited(1))).writes.joined().contains(.basicReject(deliveryTag: 1, requeue: true)))
  }

  @Test("Attempts that the user asked for end in the owner's dead-letter exchange")
  func attemptsThatAreAskedForEndInTheOwnersExchange() {
    var driver = Self.deadLettering {
      $0.attempts.areRequired = true
      $0.attempts.maxAttempts = 2
    }
    driver.deliver(Self.returned(1), isRedelivered: true)
    let move = driver.handle(.workerEnded(.exited(1))).moves.first
    guard case .deadLetterExchange(DeadLetterTarget(exchange: "dlx", routingKey: nil), _)? = move?.destination else {
      Issue.record("\(String(describing: move))")
      return
    }
  }

  @Test("A copy of an item whose returns nobody counted says so, and so do its copies")
  func uncountedReturns() throws {
    var driver = Self.deadLettering { $0.attempts.areRequired = true }
    driver.method(.basicQoSOK)
    let move = try #require(driver.deliver(isRedelivered: true).moves.first)
    #expect(move.areAttemptsMinimum && move.attempts == 1)
    let envelope = Envelope(consumerTag: "c", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")
    let first = WorkItem(envelope: envelope, properties: BasicProperties(), queue: "q").properties(
      for: move, host: "h", time: 0)
    let copy = WorkItem(envelope: envelope, properties: first, queue: "q")
    #expect(copy.attempt == 2 && copy.isAttemptMinimum)
    let letter = Move(destination: .deadLetter(DeadLetterCause(reason: .failed)), attempts: 2)
    #expect(copy.properties(for: letter, host: "h", time: 0).headers?[ItemHeader.attemptsAreMinimum] == .boolean(true))
  }

  @Test("A delay needs a retry queue") func aDelayTakesARetryQueue() {
    var driver = Self.connected {
      $0.attempts.areRequired = true
      $0.attempts.needRetryQueue = true
    }
    driver.method(RunnerDriver.differs("x-dead-letter-exchange", "received '' but current is 'dlx'"), on: 2)
    driver.method(RunnerDriver.found, on: 2)
    #expect(driver.finished == .wrongQueue)
  }

  @Test("A copy that is forbidden is reported as forbidden") func aCopyThatIsForbiddenIsSaidAsSuch() {
    var driver = RunnerDriver()
    driver.consume(hasRetries: true)
    driver.deliver()
    driver.handle(.workerEnded(.exited(1)))
    let end = driver.handle(.moveRefused(CloseReason(code: .accessRefused, text: "no write"), slot: 0))
    #expect(end.errors.contains { $0.contains("no write") })
    _ = driver.settle()
    #expect(driver.finished == .notPermitted)
  }
}
