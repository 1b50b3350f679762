/// A unit of AMQP's wire format: type, channel, payload (AMQP 0-9-1, 4.2.3 "General Frame Format").
struct Frame {
  enum Kind: UInt8 {
    case method = 1
    case header = 2
    case body = 3
    case heartbeat = 8
  }

  static let overhead = 8
  static let end: UInt8 = 0xCE

  var kind: Kind
  var channel: UInt16
  var payload: ArraySlice<UInt8>

  static func write(
    _ kind: Kind, channel: UInt16, payload: some Collection<UInt8>, to output: inout [UInt8]
  ) {
    output.append(kind.rawValue)
    output.append(bigEndian: channel)
    output.append(bigEndian: UInt32(payload.count))
    output.append(contentsOf: payload)
    output.append(end)
  }
}

/// Cuts a stream of bytes into frames.
struct FrameReader {
  /// Far above the frame size that we negotiate. What is larger is no AMQP.
  static let largestPayload = 1 << 20
  /// A broker may send a larger header frame than agreed, and an item with one must not become undeliverable.
  static let largestHeader = 16 << 20

  private(set) var buffer: [UInt8] = []
  private var start = 0

  mutating func append(_ bytes: some Collection<UInt8>) {
    if start > 0 {
      // What is left is a part of one frame, so no byte moves often. The memory of a large frame goes with it.
      if start == buffer.count && buffer.capacity > 2 * Self.largestPayload {
        buffer = []
      } else {
        buffer.removeFirst(start)
      }
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next whole frame, or nil until more bytes have come.
  /// - Throws: `AMQPError.protocolViolation`
  mutating func next() throws -> Frame? {
    let available = buffer[start...]
    guard let first = available.first else { return nil }
    // A broker that speaks another protocol version answers with its own header, "AMQP" and four numbers.
    if first == UInt8(ascii: "A") {
      throw AMQPError.protocolViolation("the peer does not speak AMQP 0-9-1")
    }
    guard let kind = Frame.Kind(rawValue: first) else {
      throw AMQPError.protocolViolation("the peer does not speak AMQP")
    }
    guard available.count >= 7 else { return nil }
    let channel = UInt16(bigEndianBytes: available.dropFirst(1).prefix(2))
    let size = Int(UInt32(bigEndianBytes: available.dropFirst(3).prefix(4)))
    guard size <= (kind == .header ? Self.largestHeader : Self.largestPayload) else {
      throw AMQPError.protocolViolation("a frame of \(size) bytes")
    }
    guard available.count >= size + Frame.overhead else { return nil }
    let payload = available.dropFirst(7).prefix(size)
    guard available[payload.endIndex] == Frame.end else {
      throw AMQPError.protocolViolation("a frame without its end mark")
    }
    start = payload.endIndex + 1
    return Frame(kind: kind, channel: channel, payload: payload)
  }
}

extension FixedWidthInteger where Self: UnsignedInteger {
  init(bigEndianBytes bytes: some Sequence<UInt8>) {
    self = bytes.reduce(0) { $0 << 8 | Self($1) }
  }
}

extension Array where Element == UInt8 {
  mutating func append<Integer: FixedWidthInteger>(bigEndian value: Integer) {
    for shift in stride(from: Integer.bitWidth - 8, through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: value >> Integer(shift)))
    }
  }
}
