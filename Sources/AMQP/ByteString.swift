/// A string as AMQP defines it: a sequence of bytes, usually but not necessarily UTF-8.
package struct ByteString: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  package var bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }
  package init(_ text: String) { self.bytes = Array(text.utf8) }
  package init(stringLiteral text: String) { self.init(text) }

  /// The bytes as text for people to read. Invalid UTF-8 is replaced, so this text must never be sent to a broker.
  package var description: String { String(decoding: bytes, as: UTF8.self) }

  package var isEmpty: Bool { bytes.isEmpty }
}
