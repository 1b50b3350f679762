import AMQP
import Broker
import Testing

@testable import Publishing

/// Messages for a queue that may be there for the runners of another queue.
@Suite struct ReservedQueueTests {
  private typealias Frame = OutgoingCopiesTests.Recorder.Frame

  private static let questions = ["q.retry", "q.marks", "q.dead"].map {
    Frame.method(1, .queueDeclare(.init(name: $0, isPassive: true)))
  }
  private static let content = Frame.content(1, to: "q.retry", messageID: nil, size: 1)

  private var driver = OutgoingCopiesTests.Driver()

  private mutating func begin() throws {
    driver.messages.add(
      .init(
        id: 7, properties: BasicProperties(), body: OutgoingCopiesTests.Body(size: 1), destination: .queue("q.retry"),
        owner: WorkQueue("q")))
    try driver.advance()
    #expect(driver.recorder.frames == [.method(1, .channelOpen), .method(1, .confirmSelect)] + Self.questions)
  }

  private mutating func found() -> CopyPublisher.Event? {
    driver.messages.handle(
      .method(channel: 1, .queueDeclareOK(.init(name: "", messageCount: 0, consumerCount: 0))))
  }

  @Test("A queue that is there for runners takes no message") mutating func reserved() throws {
    try begin()
    #expect(found() == nil && found() == nil)
    let purpose = "holds failed items of queue 'q' until they are retried"
    #expect(found() == .refused(7, .reserved(purpose: purpose)))
    #expect("\(PublishRefusal.reserved(purpose: purpose))" == "it \(purpose), and nothing else may be in it")
    #expect(!driver.recorder.frames.contains(Self.content) && !driver.messages.canAdvance)
  }

  @Test("A queue that only has such a name takes its message", arguments: [ReplyCode.notFound, .accessRefused])
  mutating func free(code: ReplyCode) throws {
    try begin()
    #expect(found() == nil)
    let close = AMQP.Method.channelClose(CloseReason(code: code, text: "no"))
    #expect(driver.messages.handle(.method(channel: 1, close)) == nil)
    try driver.advance()
    #expect(driver.recorder.frames.dropLast().last == Self.content)
    #expect(driver.ack(1) == .confirmed(7))
  }

  @Test("An ack does not answer the question") mutating func early() throws {
    driver.add(6)
    try driver.advance()
    #expect(driver.ack(1) == .confirmed(6))
    driver.recorder.frames = [.method(1, .channelOpen), .method(1, .confirmSelect)]
    try begin()
    #expect(driver.ack(1) == nil)
  }

  @Test("A message that is dropped meanwhile is not sent") mutating func dropped() throws {
    try begin()
    driver.messages.drop(7)
    #expect(driver.closed(1) == nil && !driver.messages.canAdvance)
  }

  @Test("Another refusal is told") mutating func refused() throws {
    try begin()
    let reason = CloseReason(code: .internalError, text: "no")
    #expect(driver.messages.handle(.method(channel: 1, .channelClose(reason))) == .refused(7, .closed(reason)))
  }
}
