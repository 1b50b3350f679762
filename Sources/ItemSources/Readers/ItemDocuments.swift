internal import AMQP
internal import JSONText

/// The JSON documents of a source.
enum ItemDocuments {
  struct FormError: Error, Hashable, CustomStringConvertible {
    var description: String
  }

  /// More values would take too much memory.
  private static let maxValueCount = SourceList.maxNameCount + 100

  /// The names of `{"kind": "ItemList", "apiVersion": "v1", "items": ["a", "b"]}`.
  static func list(_ text: [UInt8]) throws(FormError) -> SourceList {
    let value: JSONValue
    do { value = try JSONReader.read(text, limit: maxValueCount) } catch {
      throw FormError(description: "its list cannot be read as JSON: \(error)")
    }
    guard case .object(let members) = value else { throw FormError(description: "its list is not a JSON object") }
    func member(_ name: String) -> JSONValue? { members.first { $0.name == name }?.value }
    try check(member("kind") == .text("ItemList") && member("apiVersion") == .text("v1"), "ItemList")
    guard case .array(let items)? = member("items") else {
      throw FormError(description: "its list has no array 'items'")
    }
    var names: [ByteString] = []
    names.reserveCapacity(items.count)
    var flaw: String?
    for item in items {
      guard case .text(let name) = item else { throw FormError(description: "its list has an item that is no string") }
      if let reason = ItemName.flaw(name.utf8) { flaw = flaw ?? reason } else { names.append(ByteString(name)) }
    }
    return .names(names, flaw: flaw)
  }

  /// The body of `{"kind": "Item", "apiVersion": "v1", "data": {…}}`: its data as they are written there, or one field of them.
  static func body(_ text: [UInt8], field: String?) throws(FormError) -> [UInt8] {
    let members = try members(text)
    try check(members.string("kind") == "Item" && members.string("apiVersion") == "v1", "Item")
    guard let data = members["data"] else { throw FormError(description: "it has no 'data'") }
    return try body(ofData: data, field: field)
  }

  /// The text of a string, and the JSON text of anything else.
  static func body(ofData data: [UInt8], field: String?) throws(FormError) -> [UInt8] {
    guard let field else { return data }
    guard data.first == UInt8(ascii: "{") else {
      throw FormError(description: "its data are no object with '\(field)'")
    }
    guard let value = try members(data)[field] else { throw FormError(description: "its data have no '\(field)'") }
    return JSONMembers.string(value).map { Array($0.utf8) } ?? value
  }

  static func members(_ text: [UInt8]) throws(FormError) -> JSONMembers {
    do { return try JSONMembers(text, limit: maxValueCount) } catch {
      throw FormError(description: "it cannot be read as JSON: \(error)")
    }
  }

  private static func check(_ isRight: Bool, _ kind: String) throws(FormError) {
    guard isRight else { throw FormError(description: "it is not of kind '\(kind)' and apiVersion 'v1'") }
  }
}
