internal import CRabbitMQ

/// Decodes the payloads of AMQP frames into values, and encodes values, with librabbitmq's codec.
///
/// The codec is the only part of librabbitmq that amqp-job uses. The library's own connection blocks during the login,
/// name resolution and writes, and sends one method per write. amqp-job must react to TERM in every state, and must send
/// cancel and settlement in one write.
struct Codec {
  private let pool = MemoryPool()

  /// Throws `AMQPError.protocolViolation`.
  func decodeMethod(_ payload: ArraySlice<UInt8>) throws(AMQPError) -> Method {
    guard payload.count >= 4 else { throw AMQPError.protocolViolation("it sent a method frame without a method") }
    let id = payload.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    if id == SecretUpdate.okMethodID { return .connectionUpdateSecretOK }
    // librabbitmq rejects unknown methods, but a newer broker may send some, and they are harmless.
    guard amqp_method_name(id) != nil, !Method.isClientMethodWithTable(id) else { return .other(id) }
    if id == AMQP_CONNECTION_START_METHOD {
      guard EncodedTable(payload, at: payload.startIndex + 6)?.undecodable == [] else {
        throw AMQPError.protocolViolation("it sent server properties that cannot be decoded")
      }
    }
    return try decode(payload.dropFirst(4), what: "method \(id >> 16).\(id & 0xffff)") {
      amqp_decode_method(id, $0, $1, $2)
    } into: {
      Method(id: id, decoded: $0)
    }
  }

  /// Never fails, since a message must be deliverable whatever its properties are. Properties that cannot be decoded
  /// become `BasicProperties.undecodable`, and a single header becomes `FieldValue.undecodable`.
  func decodeProperties(_ payload: ArraySlice<UInt8>) -> BasicProperties {
    for candidate in EncodedProperties.interpretations(of: payload) {
      guard let properties = try? decode(withOneFlagWord: candidate.bytes[...]) else { continue }
      if candidate.isOnlyOne || (try? encode(properties, limit: payload.count).count) == candidate.bytes.count {
        return properties
      }
    }
    var properties = BasicProperties()
    properties.undecodable = Array(payload)
    return properties
  }

  /// Throws `AMQPError.protocolViolation`.
  private func decode(withOneFlagWord payload: ArraySlice<UInt8>) throws(AMQPError) -> BasicProperties {
    guard let start = EncodedProperties.startOfHeaders(in: payload) else { return try decodeChecked(payload) }
    guard let headers = EncodedTable(payload, at: start) else {
      throw AMQPError.protocolViolation("it sent message headers that cannot be decoded")
    }
    guard !headers.undecodable.isEmpty else { return try decodeChecked(payload) }
    // librabbitmq is told that these values are byte arrays. Those have the same form, but it does not decode them.
    var checked = payload
    for index in headers.undecodable { checked[headers.kinds[index]] = UInt8(AMQP_FIELD_KIND_BYTES.rawValue) }
    var properties = try decodeChecked(checked)
    for index in headers.undecodable {
      guard case .bytes(let content)? = properties.headers?.entries[index].value else {
        preconditionFailure("librabbitmq decoded different headers")
      }
      properties.headers?.entries[index].value = .undecodable(kind: payload[headers.kinds[index]], content)
    }
    return properties
  }

  /// Precondition: no header nests too deep for librabbitmq's recursion.
  private func decodeChecked(_ payload: ArraySlice<UInt8>) throws(AMQPError) -> BasicProperties {
    try decode(payload, what: "message properties") {
      amqp_decode_properties(UInt16(AMQP_BASIC_CLASS), $0, $1, $2)
    } into: {
      BasicProperties($0)
    }
  }

  /// The method's id and arguments. Throws `AMQPError.doesNotFitFrame` if they are more than `limit` bytes.
  func encode(_ method: Method, limit: Int) throws(AMQPError) -> [UInt8] {
    if case .connectionUpdateSecret(let secret, let reason) = method {
      return try SecretUpdate.encode(secret, reason: reason, limit: limit)
    }
    return try pool.use { pool throws(AMQPError) in
      let encoded = try method.withRaw(in: pool) { id, raw throws(AMQPError) in
        let number = stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: id >> $0) }
        return try number + encode(limit: limit - 4) { amqp_encode_method(id, raw, $0) }
      }
      guard let encoded else { preconditionFailure("a client does not send \(method)") }
      return encoded
    }
  }

  /// Throws `AMQPError.doesNotFitFrame` if the encoded properties are more than `limit` bytes.
  func encode(_ properties: BasicProperties, limit: Int) throws(AMQPError) -> [UInt8] {
    if let undecodable = properties.undecodable {
      guard undecodable.count <= limit else { throw Self.tooLarge(for: limit) }
      return undecodable
    }
    return try pool.use { pool throws(AMQPError) in
      var raw = properties.raw(in: pool)
      var bytes = try withUnsafeMutablePointer(to: &raw) { raw throws(AMQPError) in
        try encode(limit: limit) { amqp_encode_properties(UInt16(AMQP_BASIC_CLASS), raw, $0) }
      }
      if let headers = properties.headers { Self.restoreKinds(of: headers, in: &bytes) }
      return bytes
    }
  }

  /// Undecodable headers were encoded as byte arrays. This writes their own kinds in place of that kind.
  private static func restoreKinds(of headers: FieldTable, in properties: inout [UInt8]) {
    guard headers.entries.contains(where: \.isUndecodable),
      let start = EncodedProperties.startOfHeaders(in: properties[...]),
      let encoded = EncodedTable(properties[...], at: start)
    else { return }
    for (entry, position) in zip(headers.entries, encoded.kinds) {
      if case .undecodable(let kind, _) = entry.value { properties[position] = kind }
    }
  }

  private func decode<Result>(
    _ payload: ArraySlice<UInt8>, what: String,
    by decoder: (
      UnsafeMutablePointer<amqp_pool_t>, amqp_bytes_t, UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) -> Int32,
    into make: (UnsafeMutableRawPointer) -> Result
  ) throws(AMQPError) -> Result {
    let result = pool.use { pool in
      payload.withUnsafeBytes { bytes -> Result? in
        var decoded: UnsafeMutableRawPointer?
        let input = amqp_bytes_t(len: bytes.count, bytes: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        guard decoder(pool, input, &decoded) >= 0 else { return nil }
        return decoded.map(make)
      }
    }
    guard let result else { throw AMQPError.protocolViolation("it sent \(what) that cannot be decoded") }
    return result
  }

  private func encode(limit: Int, by encoder: (amqp_bytes_t) -> Int32) throws(AMQPError) -> [UInt8] {
    // Nearly all payloads are small. Only the headers of a message may need a whole frame.
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
  fileprivate var isUndecodable: Bool {
    if case .undecodable = value { true } else { false }
  }
}
