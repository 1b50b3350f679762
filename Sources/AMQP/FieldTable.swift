/// A value in an AMQP field table. The types are the ones that RabbitMQ uses
/// (<https://www.rabbitmq.com/docs/amqp-0-9-1-errata#section_3>).
package enum FieldValue: Hashable, Sendable {
  case boolean(Bool)
  case int8(Int8)
  case uint8(UInt8)
  case int16(Int16)
  case uint16(UInt16)
  case int32(Int32)
  case uint32(UInt32)
  case int64(Int64)
  case uint64(UInt64)
  case float(Float)
  case double(Double)
  /// The number `value` divided by 10 to the power of `scale`.
  case decimal(scale: UInt8, value: UInt32)
  case string(ByteString)
  case bytes([UInt8])
  /// In seconds since 1970-01-01T00:00:00Z.
  case timestamp(UInt64)
  case array([FieldValue])
  case table(FieldTable)
  case void
  /// An array or a table that cannot be decoded, for example because it nests deeper than `FieldTable.maxDepth`. `kind`
  /// is the type octet, and the bytes are the encoded content. Both are sent unchanged when the message is published
  /// again. Only a header itself can have this value, never an element of an array or a nested table.
  case undecodable(kind: UInt8, [UInt8])
}

/// An AMQP field table: names and their values, in the order in which the peer sent them. A name may occur repeatedly.
package struct FieldTable: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  package struct Entry: Hashable, Sendable {
    package var name: ByteString
    package var value: FieldValue

    package init(name: ByteString, value: FieldValue) {
      self.name = name
      self.value = value
    }
  }

  /// The maximum number of levels of arrays and tables within a table.
  package static let maxDepth = 128

  package var entries: [Entry]

  package init(_ entries: [Entry] = []) { self.entries = entries }

  package init(dictionaryLiteral elements: (ByteString, FieldValue)...) {
    entries = elements.map { Entry(name: $0, value: $1) }
  }

  /// The first value with this name.
  package subscript(name: ByteString) -> FieldValue? {
    entries.first { $0.name == name }?.value
  }

  /// The first value with this name; nil if it is not a string.
  package func string(_ name: ByteString) -> ByteString? {
    if case .string(let value)? = self[name] { value } else { nil }
  }

  package mutating func append(_ name: ByteString, _ value: FieldValue) {
    entries.append(Entry(name: name, value: value))
  }
}

extension FieldValue {
  /// The value of an integer type; nil for other types, and for a value that does not fit an `Int64`.
  package var integer: Int64? {
    switch self {
    case .int8(let value): Int64(value)
    case .uint8(let value): Int64(value)
    case .int16(let value): Int64(value)
    case .uint16(let value): Int64(value)
    case .int32(let value): Int64(value)
    case .uint32(let value): Int64(value)
    case .int64(let value): value
    case .uint64(let value): Int64(exactly: value)
    default: nil
    }
  }

  /// The value as a worker reads it in its environment; nil for tables, arrays, void and undecodable values.
  package var scalarBytes: [UInt8]? {
    switch self {
    case .boolean(let value): Array((value ? "true" : "false").utf8)
    case .float(let value): Array("\(value)".utf8)
    case .double(let value): Array("\(value)".utf8)
    case .decimal(let scale, let value): Array(decimalText(scale: Int(scale), value: value).utf8)
    case .string(let value): value.bytes
    case .bytes(let value): value
    case .timestamp(let value), .uint64(let value): Array("\(value)".utf8)
    case .array, .table, .void, .undecodable: nil
    default: integer.map { Array("\($0)".utf8) }
    }
  }
}

private func decimalText(scale: Int, value: UInt32) -> String {
  guard scale > 0 else { return "\(value)" }
  let digits = "\(value)"
  let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
  return padded.dropLast(scale) + "." + padded.suffix(scale)
}
