import AMQP
import TestSupport

/// Random message properties, with headers of every kind.
extension Random {
  mutating func byteString(upTo max: Int) -> ByteString {
    chance(1, in: 3) ? ByteString(bytes(upTo: max)) : ByteString(Array(text(upTo: max).utf8.prefix(max)))
  }

  mutating func maybe<Value>(_ value: (inout Random) -> Value) -> Value? { chance(1, in: 2) ? value(&self) : nil }

  mutating func properties(largestValue: Int = 300) -> BasicProperties {
    var properties = BasicProperties()
    properties.contentType = maybe { $0.byteString(upTo: 255) }
    properties.contentEncoding = maybe { $0.byteString(upTo: 255) }
    properties.headers = maybe { $0.table(levels: 5, largestValue) }
    properties.deliveryMode = maybe { $0.integer() }
    properties.priority = maybe { $0.integer() }
    properties.correlationID = maybe { $0.byteString(upTo: 255) }
    properties.replyTo = maybe { $0.byteString(upTo: 255) }
    properties.expiration = maybe { $0.byteString(upTo: 255) }
    properties.messageID = maybe { $0.byteString(upTo: 255) }
    properties.timestamp = maybe { $0.integer() }
    properties.type = maybe { $0.byteString(upTo: 255) }
    properties.userID = maybe { $0.byteString(upTo: 255) }
    properties.appID = maybe { $0.byteString(upTo: 255) }
    return properties
  }

  mutating func table(levels: Int, _ largestValue: Int) -> FieldTable {
    FieldTable((0..<size(upTo: 8)).map { _ in .init(name: headerName(), value: value(levels: levels, largestValue)) })
  }

  /// Some names have a meaning for brokers or for amqp-job. Others become the same environment variable.
  private mutating func headerName() -> ByteString {
    chance(1, in: 3)
      ? one(of: [
        "", "x-death", "x-delivery-count", "x-acquired-count", "x-amqp-job-attempts", "x-amqp-job-time",
        "x-amqp-job-reason", "traceparent", "CC", "a-b", "A_B", "a.b",
      ]) : byteString(upTo: 255)
  }

  /// A random value, but never NaN, because tests compare values and NaN does not equal itself.
  private mutating func value(levels: Int, _ largestValue: Int) -> FieldValue {
    switch Int.random(in: 0..<(levels > 0 ? 18 : 16), using: &self) {
    case 0: .boolean(chance(1, in: 2))
    case 1: .int8(integer())
    case 2: .uint8(integer())
    case 3: .int16(integer())
    case 4: .uint16(integer())
    case 5: .int32(integer())
    case 6: .uint32(integer())
    case 7: .int64(integer())
    case 8: .uint64(integer())
    case 9: .float(one(of: [0, -1.5, .infinity, Float.random(in: 0...1, using: &self)]))
    case 10: .double(one(of: [0, 1e300, -.infinity, Double.random(in: 0...1, using: &self)]))
    case 11: .decimal(scale: integer(), value: integer())
    case 12: .string(byteString(upTo: largestValue))
    case 13: .bytes(bytes(upTo: largestValue))
    case 14: .timestamp(integer())
    case 15: .void
    case 16: .array((0..<size(upTo: 4)).map { _ in value(levels: levels - 1, largestValue) })
    default: .table(table(levels: levels - 1, largestValue))
    }
  }

  /// An encoded value with its kind: `levels` levels of arrays and tables around the encoded value `innermost`.
  mutating func deepValue(levels: Int, innermost: [UInt8]) -> [UInt8] {
    var reversed = Array(innermost.reversed())
    for _ in 0..<levels {
      let isTable = chance(1, in: 2)
      if isTable { reversed += chance(1, in: 2) ? [0] : [UInt8(ascii: "n"), 1] }
      let length = reversed.count
      for shift in stride(from: 0, through: 24, by: 8) { reversed.append(UInt8(truncatingIfNeeded: length >> shift)) }
      reversed.append(isTable ? UInt8(ascii: "F") : UInt8(ascii: "A"))
    }
    return reversed.reversed()
  }
}
