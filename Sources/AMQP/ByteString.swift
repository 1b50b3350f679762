/// Bytes that AMQP calls a string: usually UTF-8, which nothing on the wire guarantees.
package struct ByteString: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  package var bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }
  package init(_ text: String) { self.bytes = Array(text.utf8) }
  package init(stringLiteral text: String) { self.init(text) }

  /// The bytes as text, ill-formed UTF-8 repaired; for people to read, never to be sent back.
  package var description: String { String(decoding: bytes, as: UTF8.self) }

  package var isEmpty: Bool { bytes.isEmpty }
}
