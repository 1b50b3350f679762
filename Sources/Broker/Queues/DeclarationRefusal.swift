package import AMQP

/// Why RabbitMQ refuses the declaration of a queue. The protocol has one code for all of it (406); which argument it is
/// about, and what the queue that is there has in its place, stands in the text alone.
package enum DeclarationRefusal: Hashable, Sendable {
  /// The queue is there, and this property or argument of it differs.
  case differs(String, current: Current)
  /// No such queue is there, and none can be made, for queues of its type do not take this argument.
  case notTaken(String)

  /// What the queue that is there has.
  package enum Current: Hashable, Sendable {
    case nothing
    case value(FieldValue)
    /// Something that the text does not tell, or not whole: it has 255 bytes at most.
    case unreadable
  }

  /// What a broker's refusal to declare `declaration` says; nil for one that has other words.
  package init?(_ reason: CloseReason, of declaration: Method.QueueDeclaration) {
    guard reason.code == .preconditionFailed else { return nil }
    var text = Scanner(reason.text)
    if text.skip("PRECONDITION_FAILED - inequivalent arg '"), let name = text.take(upTo: "'") {
      self = .differs(name, current: Self.current(&text, of: declaration, argument: name))
    } else if text.skip("PRECONDITION_FAILED - invalid arg '"), let name = text.take(upTo: "'") {
      self = .notTaken(name)
    } else {
      return nil
    }
  }

  /// "... for queue 'NAME' in vhost 'VHOST': received OURS but current is THEIRS", where either is `none`,
  /// `the value 'VALUE' of type 'TYPE'` or, where both have one type, `'VALUE'`.
  private static func current(
    _ text: inout Scanner, of declaration: Method.QueueDeclaration, argument: String
  ) -> Current {
    // A name may hold any words.
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

/// Reads a text from its beginning on.
private struct Scanner {
  private(set) var bytes: ArraySlice<UInt8>

  init(_ text: String) { bytes = Array(text.utf8)[...] }

  var rest: String { String(decoding: bytes, as: UTF8.self) }

  mutating func skip(_ prefix: String) -> Bool {
    guard bytes.starts(with: prefix.utf8) else { return false }
    bytes = bytes.dropFirst(prefix.utf8.count)
    return true
  }

  /// What is before the first `mark`, which goes with it.
  mutating func take(upTo mark: String) -> String? {
    let mark = Array(mark.utf8)
    guard let position = bytes.indices.first(where: { bytes[$0...].starts(with: mark) }) else { return nil }
    defer { bytes = bytes[(position + mark.count)...] }
    return String(decoding: bytes[..<position], as: UTF8.self)
  }

  /// All but the end.
  mutating func takeLast(_ end: String) -> String? {
    guard rest.utf8.reversed().starts(with: end.utf8.reversed()) else { return nil }
    defer { bytes = [] }
    return String(decoding: bytes.dropLast(end.utf8.count), as: UTF8.self)
  }

  /// What is before the last `mark`, and what is between that and the end.
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
