@testable import AMQP

/// The bytes that a broker would send. They are written out because `Codec` encodes only the methods of a client.
enum Peer {
  static let parameters = Connection.Parameters(
    url: BrokerURL(host: "h", username: "u", password: "p", vhost: "v"), heartbeat: 10, name: "test")

  static func frame(kind: UInt8 = 1, _ channel: UInt16, _ payload: [UInt8]) -> [UInt8] {
    var bytes = [kind]
    bytes.append(bigEndian: channel)
    bytes.append(bigEndian: UInt32(payload.count))
    return bytes + payload + [0xCE]
  }

  static func short(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
  static func long(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(bigEndian: UInt32(text.utf8.count))
    return bytes + Array(text.utf8)
  }

  static let start = frame(0, [0, 10, 0, 10, 0, 9, 0, 0, 0, 0] + long("PLAIN AMQPLAIN") + long("en_US"))
  static let tune = frame(0, [0, 10, 0, 30, 7, 255, 0, 2, 0, 0, 0, 60])
  static let openOK = frame(0, [0, 10, 0, 41, 0])

  static func close(_ code: UInt16, _ text: String, channel: UInt16 = 0) -> [UInt8] {
    let number: [UInt8] = channel == 0 ? [0, 10, 0, 50] : [0, 20, 0, 40]
    return frame(channel, number + [UInt8(code >> 8), UInt8(code & 255)] + short(text) + [0, 0, 0, 0])
  }

  static let delivery: [UInt8] =
    [0, 60, 0, 60] + short("tag") + [0, 0, 0, 0, 0, 0, 0, 7, 1] + short("ex") + short("rk")

  /// A delivery. `parts` are the payload sizes of the body frames. Bytes of the body beyond them are not sent.
  static func deliver(
    _ body: [UInt8], parts: [Int], announcing size: UInt64? = nil, method: [UInt8] = delivery
  ) -> [UInt8] {
    var header: [UInt8] = [0, 60, 0, 0]
    header.append(bigEndian: size ?? UInt64(body.count))
    var bytes = frame(1, method) + frame(kind: 2, 1, header + [0x80, 0x00] + short("text/plain"))
    var rest = body[...]
    for part in parts {
      bytes += frame(kind: 3, 1, Array(rest.prefix(part)))
      rest = rest.dropFirst(part)
    }
    return bytes
  }

  /// Opens channel 1 and starts a consumer on it.
  static func consume(_ connection: inout Connection) throws {
    try connection.send(.channelOpen, on: 1)
    try connection.send(.basicConsume(queue: "q", consumerTag: "tag", arguments: [:]), on: 1)
  }

  static func opened(
    _ parameters: Connection.Parameters = parameters, now: ContinuousClock.Instant = .now
  ) throws -> Connection {
    var connection = Connection(parameters)
    _ = try connection.receive(start + tune + openOK, now: now)
    try consume(&connection)
    connection.output = []
    return connection
  }
}
