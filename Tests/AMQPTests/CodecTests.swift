import Testing

@testable import AMQP

@Suite struct CodecTests {
  private let codec = Codec()

  @Test func propertiesWithEveryKindOfHeaderSurvive() throws {
    var properties = BasicProperties()
    properties.contentType = "a"
    properties.contentEncoding = "b"
    properties.deliveryMode = 2
    properties.priority = 255
    properties.correlationID = ByteString([0xFF, 0x00, 0x0A])
    properties.replyTo = "c"
    properties.expiration = "60000"
    properties.messageID = ""
    properties.timestamp = .max
    properties.type = "d"
    properties.userID = "e"
    properties.appID = "f"
    properties.headers = [
      "boolean": .boolean(true), "int8": .int8(-1), "uint8": .uint8(255), "int16": .int16(.min),
      "uint16": .uint16(.max),
      "int32": .int32(.min), "uint32": .uint32(.max), "int64": .int64(.min), "uint64": .uint64(.max),
      "float": .float(1.5),
      "double": .double(-0.1), "decimal": .decimal(scale: 3, value: 12345), "string": .string("s=\n\0é"),
      "bytes": .bytes([0, 255]), "timestamp": .timestamp(1), "void": .void, "": .string(""),
      "array": .array([.int8(1), .array([]), .table(["x": .void])]),
      "table": .table(["nested": .table(["deeper": .string("y")]), "empty": .table([:])]), "empty": .array([]),
    ]
    let bytes = try codec.encode(properties, limit: 100_000)
    #expect(try codec.decodeProperties(bytes[...]) == properties)
  }

  @Test(arguments: [[], [0x80], [0x20, 0x00, 0, 0, 0, 200, 1, 65], [0x20, 0x00, 0xFF, 0xFF, 0xFF, 0xFF]])
  func propertiesThatAreCutShortAreAViolation(bytes: [UInt8]) {
    #expect(throws: AMQPError.self) { try codec.decodeProperties(bytes[...]) }
  }

  @Test func aLongNameDoesNotFit() {
    let name = ByteString([UInt8](repeating: 65, count: 256))
    #expect(throws: AMQPError.self) {
      try codec.encode(.queueDeclare(.init(name: name, isPassive: true)), limit: 4096)
    }
  }
}
