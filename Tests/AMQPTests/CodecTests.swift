import Testing

@testable import AMQP

@Suite struct CodecTests {
  private let codec = Codec()

  @Test("Properties with every kind of header survive encoding and decoding") func propertiesRoundTrip() throws {
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
    #expect(codec.decodeProperties(bytes[...]) == properties)
  }

  @Test(
    "The methods about exchanges are encoded as AMQP defines them",
    arguments: [
      // Class 40, method 10: the ticket, the exchange, its type, the flags (durable), no arguments
      (.exchangeDeclareTopic(exchange: "e"), [0, 40, 0, 10, 0, 0, 1, 101, 5] + Array("topic".utf8) + [2, 0, 0, 0, 0]),
      (.exchangeDeclarePassive(exchange: "e"), [0, 40, 0, 10, 0, 0, 1, 101, 0, 1, 0, 0, 0, 0]),
      (
        .exchangeBind(destination: "d", source: "s", routingKey: "k"),
        [0, 40, 0, 30, 0, 0, 1, 100, 1, 115, 1, 107, 0, 0, 0, 0, 0]
      ),
    ] as [(AMQP.Method, [UInt8])])
  func exchanges(method: AMQP.Method, bytes: [UInt8]) throws {
    #expect(try codec.encode(method, limit: 1000) == bytes)
  }

  @Test(
    "Properties that cannot be decoded are kept unchanged",
    arguments: [
      [], [0x80], [0x20, 0x00, 0, 0, 0, 200, 1, 65], [0x20, 0x00, 0xFF, 0xFF, 0xFF, 0xFF], [0x20, 0x00, 0, 0],
      [0xA0, 0x00, 1, 65], [0x20, 0x00, 0, 0, 0, 1, 200], [0x20, 0x00, 0, 0, 0, 3, 1, 65, 63],  // an unknown kind
      [0x20, 0x00, 0, 0, 0, 7, 1, 65, 0x53, 0, 0, 0, 1, 65],  // a value that ends after its table
      [0x00, 0x01, 0x00, 0x01, 0x20, 0x00, 0, 0, 0, 0],  // flags that do not end
    ])
  func undecodableProperties(bytes: [UInt8]) throws {
    var properties = BasicProperties()
    properties.undecodable = bytes
    #expect(codec.decodeProperties(bytes[...]) == properties)
    #expect(try codec.encode(properties, limit: bytes.count) == bytes)
    guard !bytes.isEmpty else { return }
    #expect(throws: AMQPError.self) { try codec.encode(properties, limit: bytes.count - 1) }
  }

  /// RabbitMQ 3.10 passes such properties on, because it does not check the bit that announces another word of flags.
  @Test(
    "Additional words of flags are ignored",
    arguments: [
      [0x80, 0x01, 1, 65],  // the announced word is missing
      [0x80, 0x01, 0x00, 0x00, 1, 65],
      [0x80, 0x01, 0x00, 0x01, 0xFF, 0xFE, 1, 65],
    ] as [[UInt8]])
  func additionalFlagWords(bytes: [UInt8]) {
    var properties = BasicProperties()
    properties.contentType = "A"
    #expect(codec.decodeProperties(bytes[...]) == properties)
  }

  // MARK: Methods that librabbitmq does not support

  @Test("connection.update-secret is encoded, and its answer is decoded") func updateSecret() throws {
    let method = Method.connectionUpdateSecret(newSecret: "abc", reason: "r")
    let bytes: [UInt8] = [0, 10, 0, 70, 0, 0, 0, 3] + Array("abc".utf8) + [1] + Array("r".utf8)
    #expect(try codec.encode(method, limit: bytes.count) == bytes)
    #expect(throws: AMQPError.doesNotFitFrame("a secret of 3 bytes, more than 12 with its frame")) {
      try codec.encode(method, limit: bytes.count - 1)
    }
    #expect(try codec.decodeMethod([0, 10, 0, 71]) == .connectionUpdateSecretOK)
  }

  // MARK: Headers that cannot be decoded

  /// Properties with three headers. The second one, `deep`, has `levels` levels of arrays around `innermost`.
  private func properties(levels: Int, innermost: [UInt8] = [0x56]) -> (encoded: [UInt8], deep: [UInt8]) {
    var deep = innermost
    var length = deep.count
    var levelsFromWithin: [UInt8] = []
    for _ in 1..<levels {
      levelsFromWithin += bigEndian(length).reversed() + [0x41]
      length += 5
    }
    deep = levelsFromWithin.reversed() + deep
    let headers =
      [1, 0x61, 0x74, 1] + [4] + Array("deep".utf8) + [0x41] + bigEndian(deep.count) + deep + [1, 0x62, 0x78]
      + bigEndian(1) + [7]
    return ([0xA0, 0x00, 1, 65] + bigEndian(headers.count) + headers, deep)
  }

  private func bigEndian(_ number: Int) -> [UInt8] {
    stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  @Test("A header that nests too deep is kept unchanged", arguments: [FieldTable.maxDepth + 1, 26_000, 100_000])
  func tooDeepHeader(levels: Int) throws {
    let (encoded, deep) = properties(levels: levels)
    let decoded = codec.decodeProperties(encoded[...])
    #expect(decoded.contentType == "A")
    #expect(decoded.headers == ["a": .boolean(true), "deep": .undecodable(kind: 0x41, deep), "b": .bytes([7])])
    #expect(try codec.encode(decoded, limit: encoded.count) == encoded)
  }

  @Test("A header at the maximum depth is decoded") func deepestHeader() throws {
    let (encoded, _) = properties(levels: FieldTable.maxDepth)
    var value = try #require(codec.decodeProperties(encoded[...]).headers?["deep"])
    for _ in 0..<FieldTable.maxDepth {
      guard case .array(let values) = value else { return #expect(Bool(false), "\(value) is no array") }
      value = try #require(values.first)
    }
    #expect(value == .void)
  }

  @Test(
    "A header that contains an invalid value is kept unchanged",
    arguments: [[0x3F], [0x53, 0, 0, 0, 1], [0x46, 0, 0, 0, 1, 1], [0x41, 0, 0, 0, 2, 0x56]] as [[UInt8]])
  func invalidHeader(innermost: [UInt8]) throws {
    let (encoded, deep) = properties(levels: 2, innermost: innermost)
    let decoded = codec.decodeProperties(encoded[...])
    #expect(decoded.headers?["deep"] == .undecodable(kind: 0x41, deep))
    #expect(try codec.encode(decoded, limit: encoded.count) == encoded)
  }

  @Test("Server properties that nest too deep are a protocol violation") func tooDeepServerProperties() {
    let (properties, _) = properties(levels: FieldTable.maxDepth + 1)
    let start = [0, 10, 0, 10, 0, 9] + properties.dropFirst(4) + [0, 0, 0, 0, 0, 0, 0, 0]
    #expect(throws: AMQPError.self) { try codec.decodeMethod(start[...]) }
    // A broker never sends queue.declare, so its arguments are not decoded.
    let declare = [0, 50, 0, 10, 0, 0, 0, 0] + properties.dropFirst(4)
    #expect(throws: Never.self) { try codec.decodeMethod(declare[...]) }
  }

  @Test("A queue name of more than 255 bytes is rejected") func longName() {
    let name = ByteString([UInt8](repeating: 65, count: 256))
    #expect(throws: AMQPError.self) {
      try codec.encode(.queueDeclare(.init(name: name, isPassive: true)), limit: 4096)
    }
  }
}
