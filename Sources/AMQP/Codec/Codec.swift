internal import CRabbitMQ

/// Turns the payloads of AMQP frames into values and back, by librabbitmq's codec.
///
/// It is all of librabbitmq that amqp-job uses: the library's own connection blocks in the login,
/// in names and in writes, and sends one method per write; ours must answer TERM in every state and
/// send cancel and settlement together.
struct Codec {
  private let pool = MemoryPool()

  /// - Throws: `AMQPError.protocolViolation`
  func decodeMethod(_ payload: ArraySlice<UInt8>) throws -> Method {
    guard payload.count >= 4 else { throw AMQPError.protocolViolation("a method frame without a method") }
    let id = payload.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    if id == SecretUpdate.answerNumber { return .connectionUpdateSecretOK }
    // librabbitmq refuses methods it does not know; so would we, but for those that a broker may add.
    guard amqp_method_name(id) != nil, !Method.isClients(id) else { return .other(id) }
    if id == AMQP_CONNECTION_START_METHOD {
      guard EncodedTable(payload, at: payload.startIndex + 6)?.unreadable == [] else {
        throw AMQPError.protocolViolation("properties of a broker that cannot be decoded")
      }
    }
    return try decode(payload.dropFirst(4), what: "method \(id >> 16).\(id & 0xffff)") {
      amqp_decode_method(id, $0, $1, $2)
    } into: {
      Method(id: id, decoded: $0)
    }
  }

  /// Whatever a message's properties are like, it is a message: those that cannot be decoded are
  /// `BasicProperties.unread`, and single headers `FieldValue.unread`.
  func decodeProperties(_ payload: ArraySlice<UInt8>) -> BasicProperties {
    for flagged in EncodedProperties.readings(of: payload) {
      guard let properties = try? decode(flagged: flagged.bytes[...]) else { continue }
      if flagged.isCertain || (try? encode(properties, limit: payload.count).count) == flagged.bytes.count {
        return properties
      }
    }
    var properties = BasicProperties()
    properties.unread = Array(payload)
    return properties
  }

  /// - Throws: `AMQPError.protocolViolation`
  private func decode(flagged payload: ArraySlice<UInt8>) throws -> BasicProperties {
    guard let start = EncodedProperties.startOfHeaders(in: payload) else { return try decodeReadable(payload) }
    guard let headers = EncodedTable(payload, at: start) else {
      throw AMQPError.protocolViolation("message headers that cannot be decoded")
    }
    guard !headers.unreadable.isEmpty else { return try decodeReadable(payload) }
    // Byte arrays have the same form, and nothing in them is looked at.
    var readable = payload
    for index in headers.unreadable { readable[headers.kinds[index]] = UInt8(AMQP_FIELD_KIND_BYTES.rawValue) }
    var properties = try decodeReadable(readable)
    for index in headers.unreadable {
      guard case .bytes(let content)? = properties.headers?.entries[index].value else {
        preconditionFailure("librabbitmq has read other headers")
      }
      properties.headers?.entries[index].value = .unread(kind: payload[headers.kinds[index]], content)
    }
    return properties
  }

  private func decodeReadable(_ payload: ArraySlice<UInt8>) throws -> BasicProperties {
    try decode(payload, what: "message properties") {
      amqp_decode_properties(UInt16(AMQP_BASIC_CLASS), $0, $1, $2)
    } into: {
      BasicProperties($0)
    }
  }

  /// The method's number and fields, at most `limit` bytes.
  /// - Throws: `AMQPError.doesNotFitFrame`
  func encode(_ method: Method, limit: Int) throws -> [UInt8] {
    if case .connectionUpdateSecret(let secret, let reason) = method {
      return try SecretUpdate.encode(secret, reason: reason, limit: limit)
    }
    return try pool.use { pool in
      let encoded = try method.withRaw(in: pool) { id, raw in
        let number = stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: id >> $0) }
        return try number + encode(limit: limit - 4) { amqp_encode_method(id, raw, $0) }
      }
      guard let encoded else { preconditionFailure("a client does not send \(method)") }
      return encoded
    }
  }

  /// - Throws: `AMQPError.doesNotFitFrame`
  func encode(_ properties: BasicProperties, limit: Int) throws -> [UInt8] {
    if let unread = properties.unread {
      guard unread.count <= limit else { throw Self.tooLarge(for: limit) }
      return unread
    }
    return try pool.use { pool in
      var raw = properties.raw(in: pool)
      var bytes = try withUnsafeMutablePointer(to: &raw) { raw in
        try encode(limit: limit) { amqp_encode_properties(UInt16(AMQP_BASIC_CLASS), raw, $0) }
      }
      if let headers = properties.headers { try Self.writeKinds(of: headers, in: &bytes) }
      return bytes
    }
  }

  /// Gives what is unread its own kind again.
  private static func writeKinds(of headers: FieldTable, in properties: inout [UInt8]) throws {
    guard headers.entries.contains(where: \.isUnread),
      let start = EncodedProperties.startOfHeaders(in: properties[...]),
      let encoded = EncodedTable(properties[...], at: start)
    else { return }
    for (entry, position) in zip(headers.entries, encoded.kinds) {
      if case .unread(let kind, _) = entry.value { properties[position] = kind }
    }
  }

  private func decode<Result>(
    _ payload: ArraySlice<UInt8>, what: String,
    by decoder: (
      UnsafeMutablePointer<amqp_pool_t>, amqp_bytes_t, UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) -> Int32,
    into make: (UnsafeMutableRawPointer) -> Result
  ) throws -> Result {
    try pool.use { pool in
      try payload.withUnsafeBytes { bytes in
        var decoded: UnsafeMutableRawPointer?
        let input = amqp_bytes_t(len: bytes.count, bytes: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        let status = decoder(pool, input, &decoded)
        guard status >= 0, let decoded else {
          throw AMQPError.protocolViolation("\(what) that cannot be decoded")
        }
        return make(decoded)
      }
    }
  }

  private func encode(limit: Int, by encoder: (amqp_bytes_t) -> Int32) throws -> [UInt8] {
    // Nearly everything is small; only messages' headers can want a whole frame.
    for capacity in [min(1024, limit), limit] where capacity > 0 {
      var length: Int32 = -1
      let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
        length = encoder(amqp_bytes_t(len: buffer.count, bytes: buffer.baseAddress))
        count = length < 0 ? 0 : Int(length)
      }
      if length >= 0 { return bytes }
    }
    throw Self.tooLarge(for: limit)
  }

  private static func tooLarge(for limit: Int) -> AMQPError {
    .doesNotFitFrame("more than \(limit) bytes of properties and headers")
  }
}

extension FieldTable.Entry {
  fileprivate var isUnread: Bool {
    if case .unread = value { true } else { false }
  }
}
