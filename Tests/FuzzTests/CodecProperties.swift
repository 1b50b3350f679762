import TestSupport
import Testing

@testable import AMQP

@Suite struct CodecProperties {
  private let codec = Codec()
  private static let limit = 1 << 20

  @Test("Properties survive encoding and decoding") func propertiesRoundTrip() {
    property("properties, encoded and decoded") { random in
      let properties = random.properties()
      let bytes = try codec.encode(properties, limit: Self.limit)
      try expect(codec.decodeProperties(bytes[...]) == properties, "\(properties) is another after \(bytes)")
    }
  }

  @Test("Damaged properties are decoded consistently") func damagedProperties() {
    property("properties, damaged") { random in
      var bytes =
        random.chance(1, in: 8) ? random.bytes(upTo: 100) : try codec.encode(random.properties(), limit: Self.limit)
      random.damage(&bytes)
      let decoded = codec.decodeProperties(bytes[...])
      let again = try codec.encode(decoded, limit: Self.limit)
      // The encoded bytes are compared, because a NaN does not equal itself.
      let twice = try codec.encode(codec.decodeProperties(again[...]), limit: Self.limit)
      try expect(again == twice, "\(bytes) are \(again), and these are \(twice)")
    }
  }

  @Test("Deep headers are passed on unchanged") func deepHeaders() {
    property("headers of many levels") { random in
      let levels = random.chance(1, in: 4) ? random.size(upTo: 20_000) : Int.random(in: 100...150, using: &random)
      var deep = random.deepValue(levels: levels, innermost: [UInt8(ascii: "V")])
      let isDamaged = random.chance(1, in: 3)
      if isDamaged { random.damage(&deep) }
      let headers = [1, UInt8(ascii: "n")] + deep + [1, UInt8(ascii: "l"), UInt8(ascii: "b"), 7]
      var bytes: [UInt8] = [0x20, 0]
      bytes.append(bigEndian: UInt32(headers.count))
      bytes += headers
      let decoded = codec.decodeProperties(bytes[...])
      let again = try codec.encode(decoded, limit: Self.limit)
      try expect(again == bytes || isDamaged, "\(levels) levels come out as others")
      guard !isDamaged, levels > 0 else { return }
      let isUndecodable = if case .undecodable? = decoded.headers?["n"] { true } else { false }
      try expect(isUndecodable == (levels > FieldTable.maxDepth), "\(levels) levels: \(isUndecodable)")
      try expect(decoded.headers?["l"] == .int8(7), "\(levels) levels hide the header after them")
    }
  }

  private static let methods: [UInt32] = [
    10 << 16 | 10, 10 << 16 | 11, 10 << 16 | 30, 10 << 16 | 41, 10 << 16 | 50, 10 << 16 | 60, 20 << 16 | 11,
    20 << 16 | 40, 40 << 16 | 10, 50 << 16 | 10, 50 << 16 | 11, 60 << 16 | 20, 60 << 16 | 50, 60 << 16 | 60,
    60 << 16 | 71, 60 << 16 | 80, 60 << 16 | 120,
  ]

  @Test("A method is decoded or rejected") func methods() {
    property("methods") { random in
      let id = random.chance(1, in: 10) ? random.integer() : random.one(of: Self.methods)
      var payload: [UInt8] = []
      payload.append(bigEndian: id)
      if id == Self.methods[0] {
        payload += [0, 9]
        let levels = random.size(upTo: 20_000)
        let properties = [0] + random.deepValue(levels: levels, innermost: [UInt8(ascii: "V")])
        payload.append(bigEndian: UInt32(properties.count))
        payload += properties
      }
      payload += random.bytes(upTo: 300)
      if random.chance(1, in: 3) { random.damage(&payload) }
      do { _ = try codec.decodeMethod(payload[...]) } catch is AMQPError {}
    }
  }
}
