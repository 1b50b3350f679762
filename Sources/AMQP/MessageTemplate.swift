/// `basic.publish` with the properties that many messages share, encoded once: all but the message id and the body.
package struct MessageTemplate: Hashable, Sendable {
  /// Class basic, and a weight that nobody uses.
  private static let header: [UInt8] = [0, 60, 0, 0]

  let method: [UInt8]
  /// The properties before the message id and behind it, in their order on the wire (AMQP 0-9-1, 4.2.6.1).
  private let before: ArraySlice<UInt8>
  private let behind: ArraySlice<UInt8>

  /// - Throws: `AMQPError.doesNotFitFrame`
  init(_ method: Method, _ properties: BasicProperties, codec: Codec, limit: Int) throws {
    self.method = try codec.encode(method, limit: limit)
    var whole = properties
    whole.messageID = ""
    var first = properties
    (first.messageID, first.timestamp, first.type, first.userID, first.appID) = (nil, nil, nil, nil, nil)
    let encoded = try codec.encode(whole, limit: limit - Self.header.count - 8)
    let length = try codec.encode(first, limit: limit).count
    before = encoded[..<length]
    behind = encoded[(length + 1)...]
  }

  /// Precondition: the id has at most 255 bytes.
  /// - Throws: `AMQPError.doesNotFitFrame`
  func write(messageID: ByteString, bodySize: UInt64, on channel: UInt16, limit: Int, to output: inout [UInt8]) throws {
    let size = Self.header.count + 8 + before.count + 1 + messageID.bytes.count + behind.count
    guard size <= limit else { throw AMQPError.doesNotFitFrame("more than \(limit) bytes of properties and headers") }
    Frame.write(.method, channel: channel, payload: method, to: &output)
    output.append(Frame.Kind.header.rawValue)
    output.append(bigEndian: channel)
    output.append(bigEndian: UInt32(size))
    output.append(contentsOf: Self.header)
    output.append(bigEndian: bodySize)
    output.append(contentsOf: before)
    output.append(UInt8(messageID.bytes.count))
    output.append(contentsOf: messageID.bytes)
    output.append(contentsOf: behind)
    output.append(Frame.end)
  }
}
