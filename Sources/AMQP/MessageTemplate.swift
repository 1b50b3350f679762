/// A `basic.publish` that many messages share, encoded once. Each message adds its message id and its body.
package struct MessageTemplate: Hashable, Sendable {
  /// The class id of `basic`, and the weight, which is always 0.
  private static let header: [UInt8] = [0, 60, 0, 0]

  let method: [UInt8]
  /// The encoded properties before and after the message id, in their order on the wire (AMQP 0-9-1, 4.2.6.1).
  private let beforeID: ArraySlice<UInt8>
  private let afterID: ArraySlice<UInt8>

  /// Throws `AMQPError.doesNotFitFrame`. `limit` is the maximum payload of a frame in bytes.
  init(_ method: Method, _ properties: BasicProperties, codec: Codec, limit: Int) throws(AMQPError) {
    self.method = try codec.encode(method, limit: limit)
    var whole = properties
    whole.messageID = ""
    var first = properties
    (first.messageID, first.timestamp, first.type, first.userID, first.appID) = (nil, nil, nil, nil, nil)
    let encoded = try codec.encode(whole, limit: limit - Self.header.count - 8)
    let length = try codec.encode(first, limit: limit).count
    beforeID = encoded[..<length]
    afterID = encoded[(length + 1)...]
  }

  /// Appends the frames of the method and of the header. Throws `AMQPError.doesNotFitFrame`.
  /// Precondition: the id has at most 255 bytes.
  func write(
    messageID: ByteString, bodySize: UInt64, on channel: UInt16, limit: Int, to output: inout [UInt8]
  ) throws(AMQPError) {
    let size = Self.header.count + 8 + beforeID.count + 1 + messageID.bytes.count + afterID.count
    guard size <= limit else { throw AMQPError.doesNotFitFrame("more than \(limit) bytes of properties and headers") }
    Frame.write(.method, channel: channel, payload: method, to: &output)
    output.append(Frame.Kind.header.rawValue)
    output.append(bigEndian: channel)
    output.append(bigEndian: UInt32(size))
    output.append(contentsOf: Self.header)
    output.append(bigEndian: bodySize)
    output.append(contentsOf: beforeID)
    output.append(UInt8(messageID.bytes.count))
    output.append(contentsOf: messageID.bytes)
    output.append(contentsOf: afterID)
    output.append(Frame.end)
  }
}
