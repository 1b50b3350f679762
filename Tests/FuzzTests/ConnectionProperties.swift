import TestSupport
import Testing

@testable import AMQP

@Suite struct ConnectionProperties {
  private static let greeting: [UInt8] =
    frame(0, [0, 10, 0, 10, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5] + Array("PLAIN".utf8) + [0, 0, 0, 0])
    + frame(0, [0, 10, 0, 30, 7, 255, 0, 2, 0, 0, 0, 0]) + frame(0, [0, 10, 0, 41, 0])

  private static func frame(kind: UInt8 = 1, _ channel: UInt16, _ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    Frame.write(Frame.Kind(rawValue: kind) ?? .method, channel: channel, payload: payload, to: &bytes)
    return bytes
  }

  private func delivery(_ body: [UInt8], _ properties: BasicProperties, on channel: UInt16, _ random: inout Random)
    throws
    -> [UInt8]
  {
    var header: [UInt8] = [0, 60, 0, 0]
    header.append(bigEndian: UInt64(body.count))
    header += try Codec().encode(properties, limit: 1 << 20)
    var bytes = Self.frame(channel, [0, 60, 0, 60, 1, 65, 0, 0, 0, 0, 0, 0, 0, 7, 1, 0, 1, 66])
    bytes += Self.frame(kind: 2, channel, header)
    var rest = body[...]
    while !rest.isEmpty {
      let part = rest.prefix(1 + random.size(upTo: body.count))
      bytes += Self.frame(kind: 3, channel, Array(part))
      rest = rest[part.endIndex...]
      if random.chance(1, in: 4) { bytes += Self.frame(kind: 8, 0, []) }
    }
    return bytes
  }

  private func connection(maxBodySizeInMemory: Int) -> Connection {
    var parameters = Connection.Parameters(
      url: BrokerURL(host: "h"), heartbeat: 0, name: "fuzz",
      initialMethods: [.channelOpen, .basicConsume(queue: "q", consumerTag: "A", arguments: [:])].map {
        ChannelMethod($0, on: 1)
      })
    parameters.maxBodySizeInMemory = maxBodySizeInMemory
    return Connection(parameters)
  }

  /// The events and the error that result from receiving `bytes` in pieces of up to `maxPieceSize` bytes.
  private func outcome(of bytes: [UInt8], in maxPieceSize: Int, _ connection: Connection, _ random: inout Random)
    -> (events: [Connection.Event], error: AMQPError?)
  {
    var connection = connection
    var events: [Connection.Event] = []
    var rest = bytes[...]
    do {
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...maxPieceSize, using: &random))
        events += try connection.receive(piece, now: .now)
        try connection.tick(now: .now)
        rest = rest[piece.endIndex...]
      }
    } catch {
      return (events, error)
    }
    return (events, nil)
  }

  @Test("The events are the same however the bytes are split") func splitBytes() {
    property("conversations, cut and damaged") { random in
      let connection = connection(maxBodySizeInMemory: random.one(of: [.max, 0, 50]))
      var bodies: [[UInt8]] = []
      var bytes = Self.greeting
      for _ in 0..<random.size(upTo: 4) {
        bodies.append(random.bytes(upTo: 200))
        bytes += try delivery(bodies[bodies.count - 1], random.properties(), on: 1, &random)
      }
      let isDamaged = random.chance(1, in: 2)
      if isDamaged { random.damage(&bytes) }
      let whole = outcome(of: bytes, in: bytes.count, connection, &random)
      let pieces = outcome(of: bytes, in: 1 + random.size(upTo: 40), connection, &random)
      guard !isDamaged else {
        return try expect(
          whole.events.map { "\($0)" } == pieces.events.map { "\($0)" } && whole.error == pieces.error,
          "\(bytes): \(whole), but in pieces \(pieces)")
      }
      try expect(whole == pieces, "\(bytes): \(whole), but in pieces \(pieces)")
      try expect(whole.error == nil, "\(bytes): \(whole)")
      try expect(received(whole.events) == bodies, "\(bodies) are received as \(whole)")
    }
  }

  private func received(_ events: [Connection.Event]) -> [[UInt8]] {
    var parts: [UInt8] = []
    var bodies: [[UInt8]] = []
    for event in events {
      switch event {
      case .bodyPart(_, _, let part): parts += part
      case .delivered(_, let delivery):
        bodies.append(parts + delivery.body)
        parts = []
      default: break
      }
    }
    return bodies
  }
}
