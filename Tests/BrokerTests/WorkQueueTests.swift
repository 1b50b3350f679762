import AMQP
import Broker
import Testing

@Suite struct WorkQueueTests {
  private let queue = WorkQueue("q")

  private func deadLettering(_ target: String) -> FieldTable {
    [
      "x-queue-type": .string("quorum"), "x-dead-letter-exchange": .string(""),
      "x-dead-letter-routing-key": .string(ByteString(target)), "x-dead-letter-strategy": .string("at-least-once"),
      "x-overflow": .string("reject-publish"),
    ]
  }

  @Test("Dead letters go to their own queue only, and stay there") func deadLettersGoToTheirQueueOnlyAndStayThere() {
    #expect(queue.declaration(.quorum).arguments == deadLettering("q.dead"))
    #expect(queue.deadDeclaration.name == "q.dead")
    #expect(queue.deadDeclaration.arguments["x-dead-letter-exchange"] == nil)
  }

  @Test("A classic queue has no dead-letter strategy") func aClassicQueueHasNoStrategy() {
    #expect(
      queue.declaration(.classic).arguments == [
        "x-queue-type": .string("classic"), "x-dead-letter-exchange": .string(""),
        "x-dead-letter-routing-key": .string("q.dead"),
      ])
  }

  @Test("Items in the retry queue come back, and are not lost on the way") func retriesComeBackAndAreNotLostOnTheWay() {
    #expect(queue.retryDeclaration == .init(name: "q.retry", arguments: deadLettering("q")))
  }

  @Test("Other arguments are added to a queue's own") func otherArgumentsAreAdded() {
    let others: FieldTable = ["x-max-length": .int64(5)]
    #expect(queue.declaration(.quorum, others: others).arguments["x-max-length"] == .int64(5))
    #expect(
      queue.plainDeclaration(.classic, others: others).arguments
        == ["x-queue-type": .string("classic"), "x-max-length": .int64(5)])
  }

  @Test("The longest name of a queue leaves room for the names of its companions")
  func theLongestNameLeavesRoomForTheOthers() {
    let longest = WorkQueue(String(repeating: "x", count: WorkQueue.maxNameSize))
    #expect(longest.names.map(\.utf8.count).max() == 255)
  }
}

@Suite struct ServerVersionTests {
  private func version(_ text: String, product: String = "RabbitMQ") -> ServerVersion? {
    ServerVersion(["product": .string(ByteString(product)), "version": .string(ByteString(text))])
  }

  @Test("A server's version is read and compared") func isReadAndCompared() throws {
    #expect(version("3.10.8") == ServerVersion(3, 10))
    #expect(version("4.0.5+rc1") == ServerVersion(4, 0))
    #expect(ServerVersion(3, 9) < ServerVersion(3, 10) && ServerVersion(3, 13) < ServerVersion(4, 0))
    #expect(version("4") == nil && version("x.y") == nil && version("2.1", product: "Other") == nil)
  }

  @Test(
    "A consumer timeout is heeded by some brokers only",
    arguments: [
      (ServerVersion(3, 10), WorkQueue.Kind.quorum, false), (ServerVersion(3, 12), .classic, true),
      (ServerVersion(4, 0), .classic, true), (ServerVersion(4, 3), .classic, false),
      (ServerVersion(4, 3), .quorum, true),
    ])
  func whereAConsumerTimeoutIsHeeded(version: ServerVersion, kind: WorkQueue.Kind, isHeeded: Bool) {
    #expect((ConsumerTimeout.unsupportedReason(version, kind) == nil) == isHeeded)
  }
}

@Suite struct DeadLetterTests {
  @Test("The headers of a dead letter are read as they were written") func whatIsWrittenIsRead() {
    var letter = DeadLetter(.timedOut, queue: "q", attempts: 3)
    letter.status = 1
    letter.signal = "KILL"
    letter.host = "pod"
    letter.time = 7
    #expect(DeadLetter(headers: FieldTable(letter.headers)) == letter)
    #expect(FieldTable(letter.headers)[ItemHeader.reason] == .string("timed out"))
  }

  @Test("The broker's own headers are read if no runner wrote others")
  func whatABrokerDidIsReadWhereNoRunnerSaysMore() {
    let deaths: FieldValue = .array([
      .table(["reason": .string("delivery_limit"), "queue": .string("q"), "time": .timestamp(9)]),
      .table(["reason": .string("expired"), "queue": .string("q.retry"), "time": .timestamp(8)]),
    ])
    let byBroker = DeadLetter(headers: ["x-death": deaths, "x-amqp-job-attempts": .int32(2)])
    #expect(byBroker.isBrokers && byBroker.reason == "delivery_limit" && byBroker.queue == "q")
    #expect(byBroker.time == 9 && byBroker.attempts == 2)
    let byRunner = DeadLetter(headers: ["x-death": deaths, "x-amqp-job-reason": .string("lost")])
    #expect(!byRunner.isBrokers && byRunner.reason == "lost" && byRunner.time == nil)
  }

  private static let strange: FieldTable = [
    "x-death": .array([]), "x-amqp-job-status": .string("x"), "x-amqp-job-time": .void,
  ]

  @Test("Headers that say nothing about a dead letter are read as nothing", arguments: [nil, [:], strange])
  func whatSaysNothingIsNothing(headers: FieldTable?) {
    let letter = DeadLetter(headers: headers)
    #expect(letter.reason == nil && letter.status == nil && letter.time == nil && !letter.isBrokers)
  }
}

@Suite struct CopyingTests {
  @Test("A copy drops the headers that the broker or a runner wrote") func dropsWhatTheBrokerOrWeWrote() {
    var properties = BasicProperties()
    properties.messageID = "id"
    properties.headers = [
      "x-delivery-count": .int64(1), "x-acquired-count": .int64(1), "x-death": .array([]), "CC": .array([]),
      "BCC": .array([]), "x-first-death-queue": .string("q"), "x-last-death-reason": .string("r"),
      "x-own": .int32(1), "x-amqp-job-attempts": .int64(3),
    ]
    let copy = properties.withoutBrokerHeaders()
    #expect(copy.headers == ["x-own": .int32(1), "x-amqp-job-attempts": .int64(3)] && copy.messageID == "id")
    #expect(copy.withoutItemHeaders().headers == ["x-own": .int32(1)])
  }

  @Test("A copy without headers has no table of headers") func noHeadersAreNoTable() {
    var properties = BasicProperties()
    properties.headers = ["x-death": .array([])]
    #expect(properties.withoutBrokerHeaders().headers == nil)
  }
}
