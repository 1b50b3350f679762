import AMQP
import JSONText
import Console
import TestSupport
import Testing

@testable import Publishing

@Suite struct JSONProperties {
  private func value(_ random: inout Random, levels: Int) -> JSONValue {
    switch Int.random(in: 0..<(levels > 0 ? 7 : 5), using: &random) {
    case 0: .null
    case 1: .boolean(random.chance(1, in: 2))
    case 2: .integer(random.integer())
    case 3: .number(random.one(of: [0.5, -1e300, 1e-300, Double.random(in: -1...1, using: &random)]))
    case 4: .text(random.text(upTo: 20))
    case 5: .array((0..<random.size(upTo: 5)).map { _ in value(&random, levels: levels - 1) })
    default: object(&random, levels: levels)
    }
  }

  private func object(_ random: inout Random, levels: Int) -> JSONValue {
    var names: Set<[UInt8]> = []
    return .object(
      (0..<random.size(upTo: 5)).compactMap { _ in
        // The reader rejects a name with a NUL.
        let name = String(random.text(upTo: 10).unicodeScalars.filter { $0 != "\0" })
        guard names.insert(Array(name.utf8)).inserted else { return nil }
        return .init(name: name, value: value(&random, levels: levels - 1))
      })
  }

  private func text(_ value: JSONValue, _ random: inout Random) -> String {
    let space = random.one(of: ["", "", " ", "\t"])
    switch value {
    case .null: return "null"
    case .boolean(let value): return "\(value)"
    case .integer(let value): return "\(value)"
    case .number(let value): return "\(value)"
    case .text(let value): return JSON.text(value).description
    case .array(let values): return "[" + values.map { text($0, &random) + space }.joined(separator: ",") + "]"
    case .object(let members):
      return "{"
        + members.map { space + JSON.text($0.name).description + ":" + text($0.value, &random) }
        .joined(separator: ",") + "}"
    }
  }

  @Test("A JSON value survives writing and reading") func jsonRoundTrip() {
    property("JSON, written and read") { random in
      let value = random.chance(1, in: 2) ? object(&random, levels: 5) : JSONValue.array([value(&random, levels: 5)])
      let text = text(value, &random)
      try expect(JSONReader.read(Array(text.utf8)) == value, "\(text) is not \(value)")
    }
  }

  @Test("The text of each member of an object is that of its value") func memberTexts() {
    property("JSON, members") { random in
      guard case .object(let members) = object(&random, levels: 5) else { return }
      let text = text(.object(members), &random)
      let read = try JSONMembers(Array(text.utf8))
      for member in members {
        let value = try JSONReader.read(Array("[".utf8) + (read[member.name] ?? []) + Array("]".utf8))
        try expect(value == .array([member.value]), "\(member.name) of \(text)")
      }
      // A damaged text is read, or is an error.
      var bytes = Array(text.utf8)
      random.damage(&bytes)
      _ = try? JSONMembers(bytes)
    }
  }

  @Test("Invalid JSON is rejected with a short reason") func invalidJSON() {
    property("JSON, damaged") { random in
      var bytes = Array(text(object(&random, levels: 5), &random).utf8)
      random.damage(&bytes)
      do { _ = try JSONReader.read(bytes) } catch { try expect("\(error)".utf8.count < 300, "\(error)") }
    }
  }

  private func line(_ random: inout Random) -> String {
    let levels = random.chance(1, in: 10) ? random.size(upTo: 5000) : 0
    let deep = String(repeating: "[", count: levels) + "1" + String(repeating: "]", count: levels)
    let headers = random.chance(1, in: 2) ? text(object(&random, levels: 3), &random) : #"{"deep": \#(deep)}"#
    let property = random.one(of: ["type", "priority", "timestamp", "expiration", "message_id", "app_id", "nosuch"])
    let body = random.chance(1, in: 2) ? #""body": "a""# : #""body_base64": "\#(base64(random.bytes(upTo: 20)))""#
    return
      #"{\#(body), "headers": \#(headers), "properties": {"\#(property)": \#(text(value(&random, levels: 0), &random))}}"#
  }

  @Test("A line of JSON is an item within the limits, or is rejected") func lines() {
    property("lines of JSON") { random in
      let line = line(&random)
      let text = random.chance(1, in: 2) ? line : random.damaged(line)
      guard let item = try? JSONItem(Array(text.utf8), defaults: BasicProperties()) else { return }
      try expect(levels(of: item.properties.headers ?? [:]) <= FieldTable.maxDepth, "too many levels in \(text)")
    }
  }

  private func levels(of table: FieldTable) -> Int { table.entries.map { levels(of: $0.value) }.max() ?? 0 }

  private func levels(of value: FieldValue) -> Int {
    switch value {
    case .array(let values): 1 + (values.map { levels(of: $0) }.max() ?? 0)
    case .table(let table): 1 + levels(of: table)
    default: 0
    }
  }

  @Test("Bytes survive base64") func base64RoundTrip() {
    property("base64") { random in
      let bytes = random.bytes(upTo: 100)
      try expect(Base64.decoded(base64(bytes)) == bytes, "\(bytes)")
      let damaged = random.damaged(base64(bytes))
      guard let read = Base64.decoded(damaged) else { return }
      try expect(read.count <= damaged.utf8.count / 4 * 3, "\(damaged) is \(read)")
    }
  }

  private func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var text = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = (0..<3).reduce(0) { $0 << 8 | ($1 < group.count ? Int(group[start + $1]) : 0) }
      for place in 0..<4 { text.append(place <= group.count ? digits[bits >> (18 - 6 * place) & 63] : "=") }
    }
    return text
  }
}
