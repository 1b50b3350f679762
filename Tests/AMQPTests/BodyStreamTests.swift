import Testing

@testable import AMQP

/// Bodies that are received in parts or sent in parts.
@Suite struct BodyStreamTests {
  private let large: Connection
  private let body = (0..<100).map { UInt8($0) }

  init() throws {
    var parameters = Peer.parameters
    parameters.maxBodySizeInMemory = 99
    large = try Peer.opened(parameters)
  }

  private func parts(_ events: [Connection.Event]) -> [UInt8] {
    events.flatMap { event -> [UInt8] in if case .bodyPart(1, 100, let part) = event { part } else { [] } }
  }

  @Test("A large body arrives in parts, followed by a delivery without the body", arguments: [1, 7, 1000])
  func largeBody(step: Int) throws {
    var connection = large
    let bytes = Peer.deliver(body, parts: [50, 0, 49, 1])
    var events: [Connection.Event] = []
    for start in stride(from: 0, to: bytes.count, by: step) {
      events += try connection.receive(bytes[start..<min(start + step, bytes.count)], now: .now)
    }
    #expect(events.count == 5)
    #expect(parts(events) == body)
    guard case .announced(1, let announced) = try #require(events.first) else {
      Issue.record("something else came first")
      return
    }
    guard case .delivered(1, let delivery) = try #require(events.last) else {
      Issue.record("nothing was delivered")
      return
    }
    #expect(delivery.body.isEmpty && delivery.bodySize == 100 && delivery == announced)
    #expect(delivery.envelope.deliveryTag == 7 && delivery.properties.contentType == "text/plain")
  }

  @Test("A smaller body arrives whole") func smallBody() throws {
    var connection = large
    let events = try connection.receive(Peer.deliver(Array(body.dropLast()), parts: [98, 1]), now: .now)
    guard case .delivered(_, let delivery) = try #require(events.first) else {
      Issue.record("something else came first")
      return
    }
    #expect(events.count == 1 && delivery.body == body.dropLast() && delivery.bodySize == 99)
  }

  @Test("Memory is not reserved for an announced size alone") func announcedSize() throws {
    var connection = try Peer.opened()
    #expect(try connection.receive(Peer.deliver([1], parts: [1], announcing: UInt64(Int.max)), now: .now).isEmpty)
  }

  @Test("A body that is cut short by the end of its channel is not delivered") func channelEndWithinBody() throws {
    var connection = large
    let events = try connection.receive(
      Peer.deliver(body, parts: [50]) + Peer.close(406, "why", channel: 1), now: .now)
    #expect(parts(events) == Array(body[..<50]))
    #expect(events.last == .method(channel: 1, .channelClose(CloseReason(code: .preconditionFailed, text: "why"))))
    try Peer.consume(&connection)
    #expect(try connection.receive(Peer.deliver(body, parts: [100]), now: .now).count == 3)
  }

  @Test("A delivery within another body is a protocol violation") func deliveryWithinBody() throws {
    var connection = large
    _ = try connection.receive(Peer.deliver(body, parts: [50]), now: .now)
    #expect(throws: AMQPError.self) { try connection.receive(Peer.deliver(body, parts: [50]), now: .now) }
  }

  @Test("A method within a body is a protocol violation") func methodWithinBody() throws {
    var connection = large
    let bytes = Peer.deliver(body, parts: [50]) + Peer.frame(1, [0, 60, 0, 11])
    _ = try connection.receive(bytes, now: .now)
    #expect(throws: AMQPError.protocolViolation("it sent a method between the frames of a message")) {
      try connection.tick(now: .now)
    }
  }

  @Test("A second header is a protocol violation") func secondHeader() throws {
    var connection = large
    let header: [UInt8] = [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 0, 0]
    _ = try connection.receive(Peer.deliver(body, parts: []), now: .now)
    #expect(throws: AMQPError.self) { try connection.receive(Peer.frame(kind: 2, 1, header), now: .now) }
  }

  @Test("A body in parts that is larger than announced is a protocol violation") func tooManyParts() throws {
    var connection = large
    _ = try connection.receive(Peer.deliver(body, parts: [99]), now: .now)
    #expect(throws: AMQPError.self) { try connection.receive(Peer.frame(kind: 3, 1, [1, 2]), now: .now) }
  }

  @Test("A returned message is reported without its body") func returnedMessage() throws {
    var connection = large
    let method: [UInt8] = [0, 60, 0, 50, 1, 56] + Peer.short("NO_ROUTE") + Peer.short("") + Peer.short("q")
    let events = try connection.receive(
      Peer.deliver(body, parts: [50, 50], method: method), now: .now)
    var properties = BasicProperties()
    properties.contentType = "text/plain"
    let reason = CloseReason(code: .noRoute, text: "NO_ROUTE")
    #expect(events == [.returned(channel: 1, ReturnedMessage(reason: reason, properties: properties))])
  }

  @Test("A message that is sent in parts equals the same message sent at once") func sendingInParts() throws {
    let method = Method.basicPublish(exchange: "", routingKey: "q", mandatory: true)
    let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    var whole = try Peer.opened()
    try whole.send(method, properties: BasicProperties(), body: body, on: 1)
    var parted = try Peer.opened()
    try parted.send(method, properties: BasicProperties(), bodySize: UInt64(body.count), on: 1)
    parted.sendBody(body[..<1], on: 1)
    parted.sendBody([], on: 1)
    parted.sendBody(body[1...], on: 1)
    let sent = try [whole, parted].map { try frames($0.output) }
    #expect(sent[0].map(\.payload.count) == [10, 14, 131_064, 131_064, 37_872])
    #expect(sent[1].map(\.payload.count) == [10, 14, 1, 131_064, 131_064, 37_871])
    for frames in sent { #expect(frames.dropFirst(2).flatMap(\.payload) == body) }
    #expect(sent[0].prefix(2).map(\.payload) == sent[1].prefix(2).map(\.payload))
  }

  private func frames(_ bytes: [UInt8]) throws -> [Frame] {
    var reader = FrameReader()
    reader.append(bytes)
    var frames: [Frame] = []
    while let frame = try reader.next() { frames.append(frame) }
    return frames
  }
}

@Suite struct FrameReaderTests {
  @Test(
    "Each kind of frame has its own size limit",
    arguments: [(Frame.Kind.body, 1 << 20, true), (.body, 1 << 20 + 1, false), (.header, 16 << 20, true)])
  func frameSizeLimit(kind: Frame.Kind, size: Int, fits: Bool) throws {
    var reader = FrameReader()
    var start: [UInt8] = [kind.rawValue, 0, 1]
    start.append(bigEndian: UInt32(size))
    reader.append(start)
    if fits {
      #expect(try reader.next() == nil)
    } else {
      #expect(throws: AMQPError.protocolViolation("it sent a frame of \(size) bytes, which is too large")) {
        try reader.next()
      }
    }
  }

  @Test("The memory of a large frame is released") func releasedMemory() throws {
    var reader = FrameReader()
    var bytes: [UInt8] = []
    Frame.write(.header, channel: 1, payload: [UInt8](repeating: 0, count: 4 << 20), to: &bytes)
    reader.append(bytes)
    #expect(try reader.next()?.payload.count == 4 << 20)
    #expect(reader.buffer.capacity >= 4 << 20)
    reader.append([])
    #expect(reader.buffer.capacity < 1 << 20)
  }
}
