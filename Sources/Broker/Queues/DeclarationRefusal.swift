package import AMQP

/// The reason why RabbitMQ refuses the declaration of a queue. The protocol has one code (406) for all of them. Only
/// the text tells which argument is meant, and which value the existing queue has.
package enum DeclarationRefusal: Hashable, Sendable {
  /// The queue exists, and this property or argument of it differs.
  case differs(String, current: Current)
  /// The queue does not exist and cannot be made, because queues of its type do not support this argument.
  case unsupported(String)

  /// The value of the existing queue.
  package enum Current: Hashable, Sendable {
    case nothing
    case value(FieldValue)
    /// The text does not tell the value, or is truncated: it has at most 255 bytes.
    case unreadable
  }

  /// Reads the refusal of `declaration`. The result is nil if the text is unknown.
  package init?(_ reason: CloseReason, of declaration: Method.QueueDeclaration) {
    guard reason.code == .preconditionFailed else { return nil }
    var text = Scanner(reason.text)
    if text.skip("PRECONDITION_FAILED - inequivalent arg '"), let name = text.take(upTo: "'") {
      self = .differs(name, current: Self.current(&text, of: declaration, argument: name))
    } else if text.skip("PRECONDITION_FAILED - invalid arg '"), let name = text.take(upTo: "'") {
      self = .unsupported(name)
    } else {
      return nil
    }
  }

  /// The text continues: "for queue 'NAME' in vhost 'VHOST': received OURS but current is THEIRS". Each value is
  /// `none`, `the value 'VALUE' of type 'TYPE'` or, if both have the same type, `'VALUE'`.
  private static func current(
    _ text: inout Scanner, of declaration: Method.QueueDeclaration, argument: String
  ) -> Current {
    // The name of the queue is skipped first, because it may contain any of the words below.
    guard text.skip(" for queue '\(declaration.name)' in vhost '"), text.take(upTo: "': received ") != nil,
      text.take(upTo: " but current is ") != nil
    else { return .unreadable }
    if text.rest == "none" { return .nothing }
    if text.skip("'"), let value = text.takeLast("'") {
      return declaration.arguments[ByteString(argument)].flatMap { reading(value, like: $0) } ?? .unreadable
    }
    guard text.skip("the value '"), let value = text.takeLast("'", skipping: "' of type '") else { return .unreadable }
    return reading(value.0, ofType: value.1) ?? .unreadable
  }

  private static func reading(_ value: String, like ours: FieldValue) -> Current? {
    switch ours {
    case .string: .value(.string(ByteString(value)))
    case .boolean: value == "true" || value == "false" ? .value(.boolean(value == "true")) : nil
    default: ours.integer.flatMap { _ in Int64(value) }.map { .value(.int64($0)) }
    }
  }

  private static func reading(_ value: String, ofType type: String) -> Current? {
    switch type {
    case "longstr": .value(.string(ByteString(value)))
    case "bool": value == "true" || value == "false" ? .value(.boolean(value == "true")) : nil
    case "byte", "unsignedbyte", "short", "unsignedshort", "signedint", "unsignedint", "long":
      Int64(value).map { .value(.int64($0)) }
    default: nil
    }
  }
}

/// Reads a text from its beginning.
private struct Scanner {
  private(set) var bytes: ArraySlice<UInt8>

  init(_ text: String) { bytes = Array(text.utf8)[...] }

  var rest: String { String(decoding: bytes, as: UTF8.self) }

  mutating func skip(_ prefix: String) -> Bool {
    guard bytes.starts(with: prefix.utf8) else { return false }
    bytes = bytes.dropFirst(prefix.utf8.count)
    return true
  }

  /// Removes the text up to and including the first `mark`, and returns what was before the mark.
  mutating func take(upTo mark: String) -> String? {
    let mark = Array(mark.utf8)
    guard let position = bytes.indices.first(where: { bytes[$0...].starts(with: mark) }) else { return nil }
    defer { bytes = bytes[(position + mark.count)...] }
    return String(decoding: bytes[..<position], as: UTF8.self)
  }

  /// Removes all text, which must have this end, and returns it without the end.
  mutating func takeLast(_ end: String) -> String? {
    guard rest.utf8.reversed().starts(with: end.utf8.reversed()) else { return nil }
    defer { bytes = [] }
    return String(decoding: bytes.dropLast(end.utf8.count), as: UTF8.self)
  }

  /// Removes all text like `takeLast`. Returns what was before and after the last `mark`.
  mutating func takeLast(_ end: String, skipping mark: String) -> (String, String)? {
    guard let all = takeLast(end) else { return nil }
    let (bytes, mark) = (Array(all.utf8), Array(mark.utf8))
    guard let position = bytes.indices.last(where: { bytes[$0...].starts(with: mark) }) else { return nil }
    return (
      String(decoding: bytes[..<position], as: UTF8.self),
      String(decoding: bytes[(position + mark.count)...], as: UTF8.self)
    )
  }
}
