import Testing

@testable import AMQP

/// A connection that is fed with the bytes a broker would send.
@Suite struct ConnectionTests {
  @Test("The output begins with the protocol header") func beginsWithTheProtocolHeader() {
    #expect(Connection(Peer.parameters).output == Array("AMQP".utf8) + [0, 0, 9, 1])
  }

  @Test("The login is followed at once by the initial methods") func login() throws {
    var parameters = Peer.parameters
    parameters.initialMethods = [ChannelMethod(.channelOpen, on: 3)]
    var connection = Connection(parameters)
    #expect(try connection.receive(Peer.start, now: .now).isEmpty)
    let startOK = String(decoding: connection.output, as: UTF8.self)
    for capability in ["consumer_cancel_notify", "connection.blocked", "basic.nack", "publisher_confirms"] {
      #expect(startOK.contains(capability))
    }
    #expect(startOK.contains("\0u\0p"))
    connection.output = []
    #expect(try connection.receive(Peer.tune, now: .now).isEmpty)
    let tuneOK = Peer.frame(0, [0, 10, 0, 31, 7, 255, 0, 2, 0, 0, 0, 10])
    let open = Peer.frame(0, [0, 10, 0, 40] + Peer.short("v") + [0, 0])
    #expect(connection.output == tuneOK + open + Peer.frame(3, [0, 20, 0, 10, 0]))
    #expect(try connection.receive(Peer.openOK, now: .now) == [.opened])
  }

  @Test("A close with NOT_ALLOWED during the login refuses the login", arguments: [Peer.start, Peer.start + Peer.tune])
  func refusedLogin(before: [UInt8]) throws {
    var connection = Connection(Peer.parameters)
    _ = try connection.receive(before, now: .now)
    #expect(throws: AMQPError.loginRefused("no")) { try connection.receive(Peer.close(530, "no"), now: .now) }
    #expect(connection.output == Peer.frame(0, [0, 10, 0, 51]))
  }

  @Test(
    "A close for a temporary reason during the login does not refuse the login",
    arguments: [(320, "shutting down"), (541, "oops"), (530, "NOT_ALLOWED - connection limit (10) is reached")])
  func temporaryCloseDuringLogin(code: UInt16, text: String) throws {
    var connection = Connection(Peer.parameters)
    _ = try connection.receive(Peer.start + Peer.tune, now: .now)
    #expect(throws: AMQPError.connectionClosed(CloseReason(code: ReplyCode(rawValue: code), text: text))) {
      try connection.receive(Peer.close(code, text), now: .now)
    }
  }

  @Test("Events that arrive with a close are reported first") func eventsBeforeClose() throws {
    var connection = try Peer.opened()
    let channelCloseOK = Peer.frame(1, [0, 20, 0, 41])
    #expect(
      try connection.receive(channelCloseOK + Peer.close(320, "bye"), now: .now)
        == [.method(channel: 1, .channelCloseOK)])
    #expect(throws: AMQPError.connectionClosed(CloseReason(code: .connectionForced, text: "bye"))) {
      try connection.tick(now: .now)
    }
  }

  @Test("A delivery is read however its bytes are split", arguments: [1, 3, 1000])
  func splitDelivery(step: Int) throws {
    var connection = try Peer.opened()
    let body = Array("hello world".utf8)
    let bytes = Peer.deliver(body, parts: [4, 5, 2])
    var events: [Connection.Event] = []
    for start in stride(from: 0, to: bytes.count, by: step) {
      events += try connection.receive(bytes[start..<min(start + step, bytes.count)], now: .now)
    }
    var properties = BasicProperties()
    properties.contentType = "text/plain"
    let envelope = Envelope(consumerTag: "tag", deliveryTag: 7, isRedelivered: true, exchange: "ex", routingKey: "rk")
    #expect(
      events == [.delivered(channel: 1, Delivery(envelope: envelope, properties: properties, body: body))])
  }

  @Test("A message from basic.get is delivered without a consumer tag") func basicGet() throws {
    var connection = try Peer.opened()
    for _ in 1...2 { try connection.send(.basicGet(queue: "q"), on: 1) }
    let getOK: [UInt8] =
      [0, 60, 0, 71] + [0, 0, 0, 0, 0, 0, 0, 7, 1] + Peer.short("ex") + Peer.short("rk") + [0, 0, 0, 3]
    var properties = BasicProperties()
    properties.contentType = "text/plain"
    let envelope = Envelope(consumerTag: "", deliveryTag: 7, isRedelivered: true, exchange: "ex", routingKey: "rk")
    #expect(
      try connection.receive(Peer.deliver([1, 2, 3], parts: [2, 1], method: getOK), now: .now)
        == [.delivered(channel: 1, Delivery(envelope: envelope, properties: properties, body: [1, 2, 3]))])
    #expect(
      try connection.receive(Peer.frame(1, [0, 60, 0, 72, 0]), now: .now) == [.method(channel: 1, .basicGetEmpty)])
  }

  @Test("The server properties are kept") func serverProperties() throws {
    var connection = Connection(Peer.parameters)
    var table: [UInt8] = Peer.short("version") + [UInt8(ascii: "S")] + Peer.long("3.10.8")
    table = [0, 0, 0, UInt8(table.count)] + table
    let start = Peer.frame(0, [0, 10, 0, 10, 0, 9] + table + Peer.long("PLAIN") + Peer.long("en_US"))
    _ = try connection.receive(start, now: .now)
    #expect(connection.serverProperties == ["version": .string("3.10.8")])
  }

  @Test("A message with an empty body is complete without a body frame") func emptyBody() throws {
    var connection = try Peer.opened()
    guard case .delivered(_, let delivery)? = try connection.receive(Peer.deliver([], parts: []), now: .now).first
    else {
      Issue.record("nothing was delivered")
      return
    }
    #expect(delivery.body.isEmpty)
  }

  @Test("A channel close is answered and reported") func channelClose() throws {
    var connection = try Peer.opened()
    let events = try connection.receive(Peer.close(406, "why", channel: 1), now: .now)
    let reason = CloseReason(code: .preconditionFailed, text: "why")
    #expect(events == [.method(channel: 1, .channelClose(reason))])
    #expect(connection.output == Peer.frame(1, [0, 20, 0, 41]))
  }

  @Test("A connection close is thrown as an error") func connectionClose() throws {
    var connection = try Peer.opened()
    #expect(throws: AMQPError.connectionClosed(CloseReason(code: .connectionForced, text: "bye"))) {
      try connection.receive(Peer.close(320, "bye"), now: .now)
    }
  }

  @Test(
    "Invalid bytes are a protocol violation",
    arguments: [
      Array("HTTP/1.1 400 Bad Request\r\n".utf8), Array("AMQP".utf8) + [0, 1, 0, 0], Peer.frame(kind: 9, 0, []),
      [1, 0, 0, 255, 255, 255, 255],
      Array(Peer.start.dropLast()) + [0], Peer.frame(0, [0, 10]), Peer.frame(kind: 2, 1, [0, 60]),
      Peer.frame(kind: 3, 1, [1]),
      Peer.frame(1, [0, 60, 0, 60, 250, 1]), Peer.openOK,
    ])
  func invalidBytes(bytes: [UInt8]) {
    var connection = Connection(Peer.parameters)
    #expect(throws: AMQPError.self) { try connection.receive(bytes, now: .now) }
  }

  @Test("A body that is larger than announced is a protocol violation") func bodyLargerThanAnnounced() throws {
    var connection = try Peer.opened()
    let bytes = Peer.deliver([1, 2], parts: [1]) + Peer.frame(kind: 3, 1, [2, 3, 4])
    #expect(throws: AMQPError.self) { try connection.receive(bytes, now: .now) }
  }

  @Test("Unknown methods are passed on") func unknownMethods() throws {
    var connection = try Peer.opened()
    #expect(
      try connection.receive(Peer.frame(1, [0, 99, 0, 99, 1, 2]), now: .now) == [.method(channel: 1, .other(0x63_0063))]
    )
  }

  @Test("Heartbeats are sent twice per interval, and silence is noticed after two intervals") func heartbeats() throws {
    let now = ContinuousClock.now
    var connection = try Peer.opened(now: now)
    #expect(connection.nextTick == now + .seconds(5))
    try connection.tick(now: now + .seconds(4))
    #expect(connection.output.isEmpty)
    try connection.tick(now: now + .seconds(5))
    #expect(connection.output == Peer.frame(kind: 8, 0, []))
    #expect(connection.nextTick == now + .seconds(10))
    #expect(throws: AMQPError.heartbeatMissed(seconds: 10)) { try connection.tick(now: now + .seconds(20)) }
    _ = try connection.receive(Peer.frame(kind: 8, 0, []), now: now + .seconds(20))
    try connection.tick(now: now + .seconds(20))
  }

  @Test("A message is split into frames within the agreed limit") func framesWithinLimit() throws {
    var connection = try Peer.opened()
    let body = [UInt8](repeating: 1, count: 200_000)
    try connection.send(
      .basicPublish(exchange: "", routingKey: "q", mandatory: true), properties: BasicProperties(), body: body, on: 1)
    var reader = FrameReader()
    reader.append(connection.output)
    var frames: [Frame] = []
    while let frame = try reader.next() { frames.append(frame) }
    #expect(frames.map(\.kind) == [.method, .header, .body, .body])
    #expect(frames.allSatisfy { $0.payload.count + Frame.overhead <= 131_072 })
    #expect(frames.suffix(2).reduce(0) { $0 + $1.payload.count } == body.count)
  }

  @Test("Properties that fit no frame are rejected before anything is sent") func propertiesTooLarge() throws {
    var connection = try Peer.opened()
    var properties = BasicProperties()
    properties.headers = ["big": .string(ByteString([UInt8](repeating: 65, count: 200 << 10)))]
    #expect {
      try connection.send(
        .basicPublish(exchange: "", routingKey: "q", mandatory: true), properties: properties, body: [], on: 1)
    } throws: {
      if case AMQPError.doesNotFitFrame = $0 { true } else { false }
    }
    #expect(connection.output.isEmpty)
  }
}
