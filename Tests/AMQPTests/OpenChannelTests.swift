import Testing

@testable import AMQP

/// What a broker may send on a channel at which time.
@Suite struct OpenChannelTests {
  private static let getOK: [UInt8] =
    [0, 60, 0, 71, 0, 0, 0, 0, 0, 0, 0, 7, 1] + Peer.short("ex") + Peer.short("rk") + [0, 0, 0, 3]
  private static let untagged: [UInt8] =
    [0, 60, 0, 60] + Peer.short("") + [0, 0, 0, 0, 0, 0, 0, 7, 1] + Peer.short("ex") + Peer.short("rk")

  @Test(
    "A method that was not asked for is a protocol violation",
    arguments: [
      Peer.frame(0, Peer.delivery), Peer.frame(2, Peer.delivery), Peer.frame(65_535, Peer.delivery),
      Peer.frame(1, untagged), Peer.frame(1, getOK), Peer.frame(1, [0, 60, 0, 72, 0]), Peer.frame(0, getOK),
      Peer.frame(2, [0, 60, 0, 11]), Peer.frame(0, [0, 60, 0, 11]), Peer.close(406, "why", channel: 2),
      Peer.frame(0, [0, 20, 0, 40, 1, 150] + Peer.short("why") + [0, 0, 0, 0]), Peer.frame(0, [0, 20, 0, 41]),
      Peer.frame(1, [0, 10, 0, 60] + Peer.short("why")), Peer.frame(1, [0, 10, 0, 50, 1, 64, 0, 0, 0, 0, 0]),
      Peer.frame(7, [0, 99, 0, 99]), Peer.frame(1, [0, 10, 0, 70, 0, 0, 0, 0]),
    ])
  func unsolicitedMethods(bytes: [UInt8]) throws {
    var connection = try Peer.opened()
    let error = #expect(throws: AMQPError.self) { try connection.receive(bytes, now: .now) }
    guard case .protocolViolation = error else { return #expect(Bool(false), "\(String(describing: error))") }
  }

  @Test("A basic.get has exactly one answer") func secondGetOK() throws {
    var connection = try Peer.opened()
    try connection.send(.basicGet(queue: "q"), on: 1)
    #expect(try connection.receive(Peer.deliver([], parts: [], method: Self.getOK), now: .now).count == 1)
    #expect(throws: AMQPError.self) { try connection.receive(Peer.frame(1, Self.getOK), now: .now) }
  }

  @Test("A channel that was closed and opened again has no consumers") func consumerOfClosedChannel() throws {
    var connection = try Peer.opened()
    _ = try connection.receive(Peer.close(406, "why", channel: 1), now: .now)
    try connection.send(.channelOpen, on: 1)
    #expect(throws: AMQPError.self) { try connection.receive(Peer.deliver([], parts: []), now: .now) }
  }

  @Test("Both sides may close a channel at once") func crossingCloses() throws {
    var connection = try Peer.opened()
    try connection.send(.channelClose(CloseReason(code: .success, text: "done")), on: 1)
    let events = try connection.receive(
      Peer.close(406, "why", channel: 1) + Peer.frame(1, [0, 20, 0, 41]), now: .now)
    #expect(events.last == .method(channel: 1, .channelCloseOK) && events.count == 2)
  }
}
