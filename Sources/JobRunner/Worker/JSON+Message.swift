package import AMQP
package import Console

/// The properties and headers of a message as JSON.
extension JSON {
  package init(properties: BasicProperties) {
    func text(_ value: ByteString?) -> JSON? { value.map { .text($0.description) } }
    func integer(_ value: UInt8?) -> JSON? { value.map { .integer(Int64($0)) } }
    let members: [(String, JSON?)] = [
      ("content_type", text(properties.contentType)), ("content_encoding", text(properties.contentEncoding)),
      ("delivery_mode", integer(properties.deliveryMode)), ("priority", integer(properties.priority)),
      ("correlation_id", text(properties.correlationID)), ("reply_to", text(properties.replyTo)),
      ("expiration", text(properties.expiration)), ("message_id", text(properties.messageID)),
      ("timestamp", properties.timestamp.map { Int64(exactly: $0).map { .integer($0) } ?? .text("\($0)") }),
      ("type", text(properties.type)), ("user_id", text(properties.userID)), ("app_id", text(properties.appID)),
    ]
    self = .object(members.compactMap { name, value in value.map { .init(name, $0) } })
  }

  /// The properties that `publish --jsonl` takes, as it takes them.
  init(publishable properties: BasicProperties) {
    var properties = properties
    let expiration = properties.expiration.flatMap { UInt32($0.description) }.flatMap { $0 == 0 ? nil : $0 }
    (properties.deliveryMode, properties.userID, properties.expiration) = (nil, nil, nil)
    properties.timestamp = properties.timestamp.flatMap { Int64(exactly: $0) == nil ? nil : $0 }
    guard case .object(let members) = JSON(properties: properties) else { preconditionFailure("an object") }
    self = .object(members + (expiration.map { [.init("expiration", .integer(Int64($0)))] } ?? []))
  }

  /// If several headers have the same name, the first one counts. Headers that cannot be read are left out.
  package init(headers: FieldTable) {
    var names: Set<ByteString> = []
    self = .object(
      headers.entries.compactMap { entry in
        guard let value = JSON(field: entry.value), names.insert(entry.name).inserted else { return nil }
        return .init(entry.name.description, value)
      })
  }

  /// nil for a value that cannot be read.
  private init?(field value: FieldValue) {
    switch value {
    case .boolean(let value): self = .boolean(value)
    case .float(let value): self = .number(Double(value))
    case .double(let value): self = .number(value)
    case .timestamp(let value): self = .text(utcText(secondsSince1970: value))
    case .array(let values): self = .array(values.map { JSON(field: $0) ?? .null })
    case .table(let table): self = JSON(headers: table)
    case .void: self = .null
    case .undecodable: return nil
    default:
      guard let bytes = value.scalarBytes else { return nil }
      self = value.integer.map { .integer($0) } ?? .text(String(decoding: bytes, as: UTF8.self))
    }
  }
}
