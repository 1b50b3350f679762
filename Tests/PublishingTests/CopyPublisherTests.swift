import Broker
import Linux
import Testing

@testable import AMQP
@testable import Publishing

@Suite(.timeLimit(.minutes(1))) struct CopyPublisherTests {
  /// A body that remembers how far it was read.
  private final class Body: MessageBody {
    let size: UInt64
    let isBadFrom: UInt64
    private(set) var readCount: UInt64 = 0

    init(size: UInt64, isBadFrom: UInt64 = .max) {
      self.size = size
      self.isBadFrom = isBadFrom
    }

    func read(at offset: UInt64, atMost count: Int) throws -> [UInt8] {
      guard offset < isBadFrom else { throw SystemError(call: "pread", code: 5) }
      readCount = max(readCount, min(size, offset + UInt64(count)))
      return [UInt8](repeating: 7, count: Int(min(UInt64(count), size - offset)))
    }
  }

  private let peer: LoopbackPeer
  private let publisher: CopyPublisher

  init() throws {
    peer = try LoopbackPeer()
    let url = BrokerURL(host: "127.0.0.1", port: peer.port)
    publisher = CopyPublisher(broker: url, .init(url: url, heartbeat: 0, name: "test"), now: .now)
  }

  private func publish(_ id: Int, _ body: Body = Body(size: 1)) {
    publisher.publish(id, BasicProperties(), body: body, to: .queue("q"))
  }

  /// Turns until the condition holds, and returns what came of that.
  @discardableResult
  private func turn(
    reading: Bool = true, until isDone: ([CopyPublisher.Event]) -> Bool
  ) throws -> [CopyPublisher.Event] {
    var events: [CopyPublisher.Event] = []
    while !isDone(events) {
      // The peer is to be looked after too.
      let soon = min(publisher.deadline ?? .now + .milliseconds(1), .now + .milliseconds(1))
      let readiness = try poll([publisher.interest].compactMap(\.self), until: soon)
      events += publisher.process(readiness.first ?? PollReadiness(), now: .now)
      peer.turn(reading: reading)
    }
    return events
  }

  private func turn(untilSent contents: Int) throws {
    try turn { _ in peer.frames.filter { $0.kind == .body }.count == contents }
  }

  @Test("The connection for copies is opened with the first one, and kept")
  func theConnectionIsOpenedWithTheFirstMessageAndKept() throws {
    #expect(publisher.interest == nil && publisher.deadline == nil)
    for id in 1...3 {
      publish(id)
      try turn(untilSent: id)
      _ = peer.send(LoopbackPeer.ack(1, UInt8(id)))
      #expect(try turn { !$0.isEmpty } == [.confirmed(id)])
    }
    #expect(peer.acceptedCount == 1)
  }

  @Test("A lost connection fails its copies, and the next copy opens another one")
  func withTheConnectionItsMessagesFailAndTheNextOneOpensAnother() throws {
    publish(1)
    publish(2)
    try turn(untilSent: 2)
    peer.hangUp()
    let events = try turn { $0.count == 2 }
    for (id, event) in zip(1..., events) {
      guard case .failed(id, let reason) = event, reason.hasPrefix("lost the connection") else {
        Issue.record("\(event)")
        continue
      }
    }
    #expect(publisher.interest == nil && publisher.deadline == nil)
    publish(3)
    try turn(untilSent: 1)
    _ = peer.send(LoopbackPeer.ack(1, 1))
    #expect(try turn { !$0.isEmpty } == [.confirmed(3)])
    #expect(peer.acceptedCount == 2)
  }

  @Test("All copies fail if no broker listens") func whereNobodyListensAllFail() throws {
    let url = BrokerURL(host: "127.0.0.1", port: 1)
    let publisher = CopyPublisher(broker: url, .init(url: url, heartbeat: 0, name: "test"), now: .now)
    for id in 1...2 { publisher.publish(id, BasicProperties(), body: Body(size: 1), to: .queue("q")) }
    var events: [CopyPublisher.Event] = []
    while events.isEmpty {
      let readiness = try poll([publisher.interest].compactMap(\.self), until: publisher.deadline)
      events = publisher.process(readiness.first ?? PollReadiness(), now: .now)
    }
    #expect(events == [1, 2].map { .failed($0, reason: "cannot reach the broker at 127.0.0.1:1: Connection refused") })
  }

  @Test("Of a large body no more is read than the peer takes") func ofALargeBodyNoMoreIsReadThanThePeerTakes() throws {
    let body = Body(size: 256 << 20)
    publish(1, body)
    var readBefore: UInt64?
    // Nothing more is read once the kernel is full: then a turn has nothing to do at once.
    try turn(reading: false) { _ in
      defer { readBefore = body.readCount }
      return body.readCount > 0 && body.readCount == readBefore && publisher.deadline == nil
    }
    #expect(body.readCount < 64 << 20)
    #expect(publisher.interest?.writable == true)
    publisher.close()
  }

  @Test("A large body arrives whole") func aLargeBodyComesWhole() throws {
    publish(1, Body(size: 5_000_001))
    let last = try turn { _ in peer.frames.filter { $0.kind == .body }.reduce(0) { $0 + $1.payload.count } == 5_000_001
    }
    #expect(!last.isEmpty && Set(last) == [.advanced(1)])
    #expect(peer.frames.allSatisfy { $0.payload.count + Frame.overhead <= 131_072 })
    _ = peer.send(LoopbackPeer.ack(1, 1))
    #expect(try turn { !$0.isEmpty } == [.confirmed(1)])
  }

  @Test("A copy that is dropped when it was sent in part ends its connection")
  func aPartOfAMessageEndsWithItsConnectionWhenItIsDropped() throws {
    publish(1, Body(size: 256 << 20))
    try turn { _ in peer.frames.contains { $0.kind == .body } }
    publish(2)
    publisher.drop(1)
    #expect(try turn { _ in peer.acceptedCount == 2 && peer.frames.contains { $0.kind == .body } }.isEmpty)
    #expect(peer.frames.filter { $0.kind == .body }.map(\.payload.count) == [1])
  }

  @Test("A copy that is dropped leaves the others their connection")
  func aDroppedMessageLeavesTheOthersTheirConnection() throws {
    publish(1)
    publish(2)
    try turn(untilSent: 2)
    publisher.drop(1)
    _ = peer.send(LoopbackPeer.ack(1, 1) + LoopbackPeer.ack(2, 1))
    #expect(try turn { !$0.isEmpty } == [.confirmed(2)])
    #expect(peer.acceptedCount == 1)
  }

  @Test("A body that cannot be read ends the connection") func aBodyThatCannotBeReadTakesTheConnectionWithIt() throws {
    publish(1, Body(size: 1 << 20, isBadFrom: 1 << 17))
    publish(2)
    let events = try turn { !$0.isEmpty }
    #expect(events == [.failed(1, reason: "its body cannot be read: pread: Input/output error")])
    try turn { _ in peer.acceptedCount == 2 && peer.frames.contains { $0.kind == .body } }
    _ = peer.send(LoopbackPeer.ack(1, 1))
    #expect(try turn { !$0.isEmpty } == [.confirmed(2)])
  }

  @Test("The end of a block is told also if the connection ends", arguments: [true, false])
  func aBlockThatEndsWithItsConnectionIsToldToo(byDropping: Bool) throws {
    publish(1)
    try turn(untilSent: 1)
    _ = peer.send(LoopbackPeer.blocked)
    #expect(try turn { !$0.isEmpty } == [.blocked(reason: "low")])
    if byDropping { publisher.drop(1) } else { peer.hangUp() }
    #expect(try turn { !$0.isEmpty }.first == .unblocked)
  }

  @Test("A connection that is closed says goodbye") func closingSaysGoodbye() throws {
    publish(1)
    try turn(untilSent: 1)
    publisher.close()
    #expect(publisher.interest == nil && publisher.deadline == nil)
    var closing = ClosingLinks()
    for link in publisher.takeDiscarded() { closing.add(link, limit: .now + .seconds(60)) }
    var isAnswered = false
    while !closing.isEmpty {
      let soon = ContinuousClock.now + .milliseconds(1)
      closing.process(try poll(closing.interests, until: soon), now: .now)
      peer.turn()
      guard !isAnswered, peer.frames.last?.payload.prefix(4) == [0, 10, 0, 50] else { continue }
      // It waits for the answer.
      #expect(!closing.isEmpty && !peer.isEnded)
      _ = peer.send(LoopbackPeer.frame(0, [0, 10, 0, 51]))
      isAnswered = true
    }
    #expect(isAnswered)
  }

  @Test("A peer that never answers a close is not waited for without end")
  func whoNeverAnswersACloseIsNotWaitedForForEver() throws {
    publish(1)
    try turn(untilSent: 1)
    publisher.close()
    var closing = ClosingLinks()
    let now = ContinuousClock.now
    for link in publisher.takeDiscarded() { closing.add(link, limit: now + .seconds(5)) }
    #expect(closing.deadline == now + .seconds(5))
    closing.process([PollReadiness()], now: now + .seconds(4))
    #expect(!closing.isEmpty)
    closing.process([PollReadiness()], now: now + .seconds(5))
    #expect(closing.isEmpty)
  }
}
