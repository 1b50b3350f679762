/// The unit of AMQP's wire format: a type, a channel and a payload (AMQP 0-9-1, 4.2.3 "General Frame Format").
struct Frame {
  enum Kind: UInt8 {
    case method = 1
    case header = 2
    case body = 3
    case heartbeat = 8
  }

  /// The size of a frame without its payload: a header of 7 bytes and the frame-end octet.
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

/// Splits a stream of bytes into frames.
struct FrameReader {
  /// Far above the negotiated frame size. A peer that announces a larger payload does not speak AMQP.
  static let maxPayloadSize = 1 << 20
  /// Brokers send header frames that are larger than the negotiated frame size. A message with such a header must stay
  /// deliverable.
  static let maxHeaderSize = 16 << 20

  private(set) var buffer: [UInt8] = []
  private var start = 0

  mutating func append(_ bytes: some Collection<UInt8>) {
    if start > 0 {
      // The rest is less than one frame, so moving it is cheap. A buffer that grew for a large frame is released.
      if start == buffer.count && buffer.capacity > 2 * Self.maxPayloadSize {
        buffer = []
      } else {
        buffer.removeFirst(start)
      }
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next complete frame, or nil until more bytes are appended. Throws `AMQPError.protocolViolation`.
  mutating func next() throws(AMQPError) -> Frame? {
    let available = buffer[start...]
    guard let first = available.first else { return nil }
    // A broker of another protocol version answers with its own protocol header: "AMQP" and four numbers.
    if first == UInt8(ascii: "A") {
      throw AMQPError.protocolViolation("it does not speak AMQP 0-9-1")
    }
    guard let kind = Frame.Kind(rawValue: first) else {
      throw AMQPError.protocolViolation("it does not speak AMQP")
    }
    guard available.count >= 7 else { return nil }
    let channel = UInt16(bigEndianBytes: available.dropFirst(1).prefix(2))
    let size = Int(UInt32(bigEndianBytes: available.dropFirst(3).prefix(4)))
    guard size <= (kind == .header ? Self.maxHeaderSize : Self.maxPayloadSize) else {
      throw AMQPError.protocolViolation("it sent a frame of \(size) bytes, which is too large")
    }
    guard available.count >= size + Frame.overhead else { return nil }
    let payload = available.dropFirst(7).prefix(size)
    guard available[payload.endIndex] == Frame.end else {
      throw AMQPError.protocolViolation("it sent a frame without the frame-end octet")
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
