/// Bytes that AMQP calls a string: usually UTF-8, which nothing on the wire guarantees.
public struct ByteString: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  public var bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }
  public init(_ text: String) { self.bytes = Array(text.utf8) }
  public init(stringLiteral text: String) { self.init(text) }

  /// The bytes as text, ill-formed UTF-8 repaired; for people to read, never to be sent back.
  public var description: String { String(decoding: bytes, as: UTF8.self) }

  public var isEmpty: Bool { bytes.isEmpty }
}
