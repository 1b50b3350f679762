internal import CJansson

/// Reads JSON with Jansson (<https://jansson.readthedocs.io/>).
package enum JSONReader {
  /// Why a text is not valid JSON, and at which column.
  package struct SyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
  }

  /// Reads a text in UTF-8 that consists of one object or one array. A duplicate name in an object is an error, and so is
  /// an integer that does not fit 64 bits.
  ///
  /// A text with more than `limit` values is an error.
  package static func read(_ text: [UInt8], limit: Int = .max) throws(SyntaxError) -> JSONValue {
    try checkSize(text, limit)
    let root = try parse(text, flags: JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)
    defer { json_decref(root) }
    return JSONValue(root)
  }

  /// Checks a text in UTF-8 that consists of one object or one array. A number may have any size.
  static func check(_ text: [UInt8], limit: Int) throws(SyntaxError) {
    try checkSize(text, limit)
    json_decref(try parse(text, flags: JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL))
  }

  private static func checkSize(_ text: [UInt8], _ limit: Int) throws(SyntaxError) {
    guard JSONSize.isWithin(limit, text) else { throw SyntaxError(description: "it has more than \(limit) values") }
  }

  private static func parse(_ text: [UInt8], flags: Int32) throws(SyntaxError) -> UnsafeMutablePointer<json_t> {
    var error = json_error_t()
    let root = text.withUnsafeBytes { json_loadb($0.baseAddress, $0.count, Int(flags), &error) }
    if let root { return root }
    let reason = withUnsafeBytes(of: &error.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    throw SyntaxError(description: "\(reason) (column \(error.column))")
  }
}

extension JSONValue {
  fileprivate init(_ json: UnsafeMutablePointer<json_t>) {
    switch json.pointee.type {
    case JSON_OBJECT:
      var members: [Member] = []
      var iterator = json_object_iter(json)
      while let member = iterator, let name = json_object_iter_key(member), let value = json_object_iter_value(member) {
        members.append(Member(name: String(cString: name), value: JSONValue(value)))
        iterator = json_object_iter_next(json, member)
      }
      self = .object(members)
    case JSON_ARRAY:
      self = .array((0..<json_array_size(json)).compactMap { json_array_get(json, $0).map { JSONValue($0) } })
    case JSON_STRING:
      let bytes = UnsafeRawBufferPointer(start: json_string_value(json), count: json_string_length(json))
      self = .text(String(decoding: bytes, as: UTF8.self))
    case JSON_INTEGER: self = .integer(json_integer_value(json))
    case JSON_REAL: self = .number(json_real_value(json))
    case JSON_TRUE: self = .boolean(true)
    case JSON_FALSE: self = .boolean(false)
    default: self = .null
    }
  }
}
