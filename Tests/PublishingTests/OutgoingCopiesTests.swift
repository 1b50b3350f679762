import AMQP
import Broker
import Linux
import Testing

@testable import Publishing

/// Which frames go out on which channel, and what the broker's answers mean, without a connection.
@Suite struct OutgoingCopiesTests {
  typealias Event = CopyPublisher.Event

  /// A body of so many bytes, each its offset's last eight bits.
  struct Body: MessageBody {
    var size: UInt64
    /// From where on nothing can be read.
    var isBadFrom = UInt64.max
    /// The most that one read gives.
    var most = Int.max

    func read(at offset: UInt64, atMost count: Int) throws -> [UInt8] {
      guard offset < isBadFrom else { throw SystemError.readFailed }
      return (offset..<min(size, offset + UInt64(min(count, most)))).map { UInt8(truncatingIfNeeded: $0) }
    }
  }

  final class Recorder: FrameSink {
    enum Frame: Hashable {
      case method(UInt16, AMQP.Method)
      case content(UInt16, to: String, messageID: ByteString?, size: UInt64)
      case body(UInt16, [UInt8])
    }

    var frames: [Frame] = []

    func send(_ method: AMQP.Method, on channel: UInt16) { frames.append(.method(channel, method)) }

    func send(
      _ method: AMQP.Method, properties: BasicProperties, bodySize: UInt64, on channel: UInt16
    ) throws(AMQPError) {
      guard case .basicPublish("", let queue, mandatory: true) = method else { preconditionFailure() }
      guard queue.bytes.count < 256 else { throw .doesNotFitFrame("a name") }
      frames.append(.content(channel, to: queue.description, messageID: properties.messageID, size: bodySize))
    }

    func sendBody(_ part: [UInt8], on channel: UInt16) { frames.append(.body(channel, part)) }

    func body(of channel: UInt16) -> [UInt8] {
      frames.flatMap { frame -> [UInt8] in if case .body(channel, let part) = frame { part } else { [] } }
    }
  }

  /// Messages, and what they have sent.
  struct Driver {
    var messages = OutgoingCopies()
    let recorder = Recorder()

    mutating func add(_ id: Int, _ body: Body = Body(size: 1), to queue: String = "q", messageID: ByteString? = nil) {
      var properties = BasicProperties()
      properties.messageID = messageID
      messages.add(.init(id: id, properties: properties, body: body, destination: .queue(queue)))
    }

    /// Sends as long as there is something to send.
    @discardableResult mutating func advance() throws -> [Event] {
      var events: [Event] = []
      while messages.canAdvance {
        if let event = try messages.advance(on: recorder) { events.append(event) }
      }
      return events
    }

    mutating func ack(_ channel: UInt16, _ tag: UInt64 = 1, multiple: Bool = false) -> Event? {
      messages.handle(.method(channel: channel, .basicAck(deliveryTag: tag, multiple: multiple)))
    }

    mutating func returned(_ channel: UInt16) -> Event? {
      let message = ReturnedMessage(reason: CloseReason(code: .noRoute, text: ""), properties: BasicProperties())
      return messages.handle(.returned(channel: channel, message))
    }

    mutating func closed(_ channel: UInt16, _ text: String = "why") -> Event? {
      messages.handle(.method(channel: channel, .channelClose(CloseReason(code: .notFound, text: text))))
    }
  }

  private var driver = Driver()

  /// Whose rest is still to come.
  final class Arriving: MessageBody {
    let size: UInt64
    var availableSize: UInt64 = 0

    init(size: UInt64) { self.size = size }

    func read(at offset: UInt64, atMost count: Int) -> [UInt8] {
      (offset..<min(availableSize, offset + UInt64(count))).map { UInt8(truncatingIfNeeded: $0) }
    }
  }

  @Test("A body that is still arriving is sent as it comes") mutating func arrivingBody() throws {
    let body = Arriving(size: 5)
    driver.messages.add(.init(id: 7, properties: BasicProperties(), body: body, destination: .queue("q")))
    try driver.advance()
    #expect(!driver.messages.canAdvance && driver.recorder.body(of: 1).isEmpty)
    for arrived in [2, 3, 5] as [UInt64] {
      body.availableSize = arrived
      try driver.advance()
      #expect(driver.recorder.body(of: 1) == (0..<arrived).map { UInt8($0) })
      #expect(driver.messages.idInTransit == (arrived < 5 ? 7 : nil))
    }
    #expect(driver.ack(1) == .confirmed(7))
  }

  @Test("A copy goes out with its properties and its whole body") mutating func wholeCopy() throws {
    let size = 2 * BrokerLink.bodyPieceSize + 1
    driver.add(7, Body(size: UInt64(size)), messageID: "id")
    try driver.advance()
    #expect(
      driver.recorder.frames.prefix(3) == [
        .method(1, .channelOpen), .method(1, .confirmSelect),
        .content(1, to: "q", messageID: "id", size: UInt64(size)),
      ])
    #expect(driver.recorder.frames.count == 6)
    #expect(driver.recorder.body(of: 1) == (0..<size).map { UInt8(truncatingIfNeeded: $0) })
    #expect(driver.ack(1) == .confirmed(7))
  }

  @Test("A read that gives less than was asked for is followed by others") mutating func shortReads() throws {
    driver.add(1, Body(size: 10, most: 3))
    try driver.advance()
    #expect(driver.recorder.body(of: 1) == Array(0..<10))
  }

  @Test("A copy may have an empty body") mutating func anEmptyBodyIsAMessageToo() throws {
    driver.add(1, Body(size: 0))
    try driver.advance()
    #expect(driver.recorder.frames.last == .content(1, to: "q", messageID: nil, size: 0))
    #expect(driver.ack(1) == .confirmed(1))
  }

  @Test("A channel is used again once its copy is confirmed") mutating func channelsAreReused() throws {
    for id in 1...2 {
      driver.add(id)
      try driver.advance()
      #expect(driver.ack(1, UInt64(id)) == .confirmed(id))
    }
    #expect(driver.recorder.frames.filter { $0 == .method(1, .channelOpen) }.count == 1)
  }

  @Test("No channel has two copies at a time") mutating func noChannelHasTwoMessages() throws {
    let most = Int(OutgoingCopies.maxUnconfirmed)
    for id in 0...most { driver.add(id, to: "q\(id)", messageID: "same") }
    try driver.advance()
    let contents = driver.recorder.frames.filter { if case .content = $0 { true } else { false } }
    #expect(
      contents
        == (0..<most).map { .content(UInt16($0 + 1), to: "q\($0)", messageID: "same", size: 1) })
    #expect(driver.messages.isAnyWaiting)
    #expect(driver.ack(3) == .confirmed(2))
    try driver.advance()
    #expect(driver.recorder.frames.dropLast().last == .content(3, to: "q\(most)", messageID: "same", size: 1))
    #expect(driver.ack(3, 2) == .confirmed(most))
  }

  @Test("A connection may allow fewer channels") mutating func aConnectionMayAllowFewerChannels() throws {
    driver.messages.channelLimit = 1
    for id in 1...2 { driver.add(id) }
    try driver.advance()
    #expect(driver.messages.isAnyWaiting)
    #expect(driver.ack(1) == .confirmed(1))
    try driver.advance()
    #expect(driver.ack(1, 2) == .confirmed(2))
  }

  @Test("A return concerns only the copy on its channel") mutating func returned() throws {
    for id in 1...3 { driver.add(id, messageID: "same") }
    try driver.advance()
    #expect(driver.returned(2) == nil)
    #expect(driver.ack(1) == .confirmed(1))
    #expect(driver.ack(2) == .refused(2, .unroutable))
    #expect(driver.ack(3) == .confirmed(3))
    driver.add(4)
    driver.add(5)
    try driver.advance()
    #expect(driver.ack(2, 2) == .confirmed(5))
  }

  @Test("A copy that the broker rejects has failed") mutating func aRejectionIsAFailure() throws {
    driver.add(1)
    try driver.advance()
    let nack = Method.basicNack(deliveryTag: 1, multiple: false, requeue: false)
    #expect(driver.messages.handle(.method(channel: 1, nack)) == .refused(1, .rejected))
  }

  @Test(
    "A confirmation of another message confirms no copy",
    arguments: [(tag: UInt64(1), multiple: false), (1, true), (3, false), (0, true)])
  mutating func anAnswerForAnotherMessageIsNone(tag: UInt64, multiple: Bool) throws {
    driver.add(1)
    try driver.advance()
    #expect(driver.ack(1) == .confirmed(1))
    driver.add(2)
    try driver.advance()
    #expect(driver.ack(1, tag, multiple: multiple) == nil)
    #expect(driver.ack(9) == nil && driver.ack(0) == nil)
    #expect(driver.ack(1, 2, multiple: true) == .confirmed(2))
    #expect(driver.ack(1, 2) == nil)
  }

  @Test("A copy that was not sent whole is not confirmed") mutating func whatWasNotSentWholeIsNotConfirmed() throws {
    driver.add(1, Body(size: UInt64(BrokerLink.bodyPieceSize) + 1))
    for _ in 1...2 { _ = try driver.messages.advance(on: driver.recorder) }
    #expect(driver.ack(1) == nil)
    try driver.advance()
    #expect(driver.ack(1) == .confirmed(1))
  }

  @Test("A closed channel fails only its own copy") mutating func aClosedChannelFailsItsMessageAlone() throws {
    for id in 1...2 { driver.add(id) }
    try driver.advance()
    #expect(driver.closed(1) == .refused(1, .closed(CloseReason(code: .notFound, text: "why"))))
    #expect(driver.closed(1) == nil && driver.closed(5) == nil && driver.closed(0) == nil)
    driver.recorder.frames = []
    driver.add(3)
    try driver.advance()
    #expect(driver.recorder.frames.first == .method(1, .channelOpen))
    // Tags count anew.
    #expect(driver.ack(1, 1) == .confirmed(3) && driver.ack(2) == .confirmed(2))
  }

  @Test("Nothing more is sent of a copy whose channel was closed")
  mutating func ofAMessageWhoseChannelWasClosedNothingMoreIsSent() throws {
    driver.add(1, Body(size: UInt64(10 * BrokerLink.bodyPieceSize)))
    for _ in 1...2 { _ = try driver.messages.advance(on: driver.recorder) }
    #expect(driver.closed(1, "too large") == .refused(1, .closed(CloseReason(code: .notFound, text: "too large"))))
    #expect(!driver.messages.canAdvance)
  }

  @Test("A copy that does not fit a frame fails, and the next one goes out")
  mutating func whatDoesNotFitAFrameFailsAndTheNextGoesOut() throws {
    driver.add(1, to: String(repeating: "q", count: 256))
    driver.add(2)
    #expect(try driver.advance() == [.failed(1, reason: "it does not fit a frame")])
    #expect(driver.ack(1) == .confirmed(2))
  }

  @Test("A body that cannot be read fails its copy, and then the connection")
  mutating func aBodyThatCannotBeReadFailsItsMessageAndThenTheConnection() throws {
    driver.add(1)
    driver.add(2, Body(size: 5, isBadFrom: 2, most: 2))
    driver.add(3)
    #expect(throws: OutgoingCopies.BodyFailure.self) { try driver.advance() }
    #expect(driver.messages.failSending("bad") == [.failed(2, reason: "bad")])
    #expect(driver.messages.failBegun("dropped") == [.failed(1, reason: "dropped")])
    driver.recorder.frames = []
    try driver.advance()
    #expect(driver.recorder.frames.first == .method(1, .channelOpen) && driver.ack(1) == .confirmed(3))
  }

  @Test("A body that is shorter than its size is never filled up")
  mutating func aBodyShorterThanItsSizeIsNeverFilledUp() throws {
    driver.add(1, Body(size: 5, most: 0))
    #expect(throws: OutgoingCopies.BodyFailure.self) { try driver.advance() }
  }

  @Test("A lost connection fails all its copies") mutating func withTheConnectionAllFails() throws {
    driver.messages.channelLimit = 2
    for id in 1...3 { driver.add(id) }
    try driver.advance()
    #expect(driver.ack(1) == .confirmed(1))
    try driver.advance()
    driver.add(4)
    #expect(driver.messages.failAll("lost") == [2, 3, 4].map { .failed($0, reason: "lost") })
    #expect(!driver.messages.canAdvance && !driver.messages.isAnyAwaited)
  }

  @Test("Nothing is reported of a copy that was dropped") mutating func aDroppedMessageSaysNothing() throws {
    driver.add(1)
    driver.add(2)
    try driver.advance()
    driver.add(3)
    driver.messages.drop(1)
    driver.messages.drop(3)
    #expect(!driver.messages.isAnyWaiting && driver.messages.isAnyAwaited)
    #expect(driver.ack(1) == nil && driver.ack(2) == .confirmed(2))
    #expect(!driver.messages.isAnyAwaited)
    driver.add(4)
    try driver.advance()
    #expect(driver.ack(1, 2) == .confirmed(4))
  }

  @Test("A broker that takes no copies is reported") mutating func aBlockedBrokerIsTold() {
    #expect(
      driver.messages.handle(.method(channel: 0, .connectionBlocked(reason: "low on memory")))
        == .blocked(reason: "low on memory"))
    #expect(driver.messages.handle(.method(channel: 0, .connectionUnblocked)) == .unblocked)
  }
}
