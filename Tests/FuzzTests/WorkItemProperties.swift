import AMQP
import Broker
import Console
import Linux
import TestSupport
import Testing

@testable import JobRunner

@Suite struct WorkItemProperties {
  private func item(_ random: inout Random) -> WorkItem {
    let largest = random.chance(1, in: 30) ? 100_000 : 100
    let envelope = Envelope(
      consumerTag: "", deliveryTag: 1, isRedelivered: random.chance(1, in: 2), exchange: random.byteString(upTo: 255),
      routingKey: random.byteString(upTo: 255))
    var properties = random.properties(largestValue: largest)
    if random.chance(1, in: 50) {
      properties.headers = FieldTable(
        (0..<20).map { .init(name: ByteString("h\($0)"), value: .bytes([UInt8](repeating: 65, count: 20_000))) })
    }
    return WorkItem(envelope: envelope, properties: properties, queue: random.text(upTo: 100).filter { $0 != "\0" })
  }

  private func split(_ entry: [UInt8]) throws -> (name: String, value: [UInt8]) {
    guard let end = entry.firstIndex(of: UInt8(ascii: "=")) else { throw Broken("\(entry) has no name") }
    return (String(decoding: entry[..<end], as: UTF8.self), Array(entry[(end + 1)...]))
  }

  @Test("A worker's environment is valid for every item") func environments() {
    property("items' environments") { random in
      let item = item(&random)
      let environment = WorkerEnvironment([Array("TRACEPARENT=old".utf8)], usedSettings: [], passesSettings: false)
      let entries = environment.entries(for: item)
      try expect(!entries.contains { $0.contains(0) }, "a NUL in \(entries)")
      let variables = try entries.map(split)
      let names = variables.map(\.name)
      try expect(Set(names).count == names.count, "one comes twice: \(names)")
      for name in names {
        let isProper = name.utf8.allSatisfy {
          (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_")
        }
        try expect(isProper, "a name: \(name)")
      }
      let own = variables.filter { $0.name.hasPrefix("WORK_ITEM_") && $0.name != "WORK_ITEM_HEADERS_OMITTED" }
      try expect(variables.allSatisfy { $0.value.count <= WorkerEnvironment.maxValueSize }, "a value is too long")
      try expect(
        own.reduce(0) { $0 + $1.name.utf8.count + 1 + $1.value.count } <= WorkerEnvironment.maxTotalSize,
        "all is too long"
      )
      try checkOmitted(item, own, variables.first { $0.name == "WORK_ITEM_HEADERS_OMITTED" }?.value ?? [])
    }
  }

  /// Checks that each scalar header has a variable or is named as omitted.
  private func checkOmitted(_ item: WorkItem, _ own: [(name: String, value: [UInt8])], _ omitted: [UInt8]) throws {
    let scalars = (item.properties.headers ?? [:]).entries.filter { $0.value.scalarBytes != nil }
    let there = own.filter { $0.name.hasPrefix("WORK_ITEM_HEADER_") }.count
    let list = omitted.isEmpty ? [] : omitted.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    try expect(!omitted.contains { $0 < 32 || $0 == 127 }, "a control character in \(omitted)")
    guard omitted.count < WorkerEnvironment.maxValueSize else { return }
    // A header without a name leaves nothing in the list where it is alone.
    guard !scalars.contains(where: { $0.name.isEmpty }) else { return }
    let names = [
      "EXCHANGE", "ROUTING_KEY", "ID", "CONTENT_TYPE", "CONTENT_ENCODING", "CORRELATION_ID", "REPLY_TO", "TYPE",
      "APP_ID",
    ]
    let others = list.filter { names.contains(String(decoding: $0, as: UTF8.self)) }.count
    try expect(
      there + list.count - others == scalars.count,
      "\(scalars.count) scalars, \(there) variables, and \(list.count) named")
  }

  @Test("A copy keeps what belongs to the item") func copies() {
    property("items' copies") { random in
      let item = item(&random)
      try expect(item.attempt >= 1, "attempt \(item.attempt)")
      let cause = DeadLetterCause(
        reason: random.one(of: [.failed, .cameBack, .timedOut]), status: .exited(random.integer()))
      let destination = random.one(of: [
        Move.Destination.queue, .retry(after: .milliseconds(random.integer() as UInt32), cause), .deadLetter(cause),
      ])
      let copy = item.properties(
        for: Move(destination: destination, attempts: item.attempt), host: random.text(upTo: 20), time: random.integer()
      )
      try expect(copy.messageID == item.properties.messageID && copy.type == item.properties.type, "\(copy)")
      let kept = (item.properties.headers ?? [:]).entries.filter { entry in
        !["x-death", "x-delivery-count", "x-acquired-count", "CC"].contains(entry.name)
          && !entry.name.description.hasPrefix("x-amqp-job-")
      }
      try expect(copy.headers?.entries.prefix(kept.count).elementsEqual(kept) == true, "\(kept) become \(copy)")
      let again = WorkItem(envelope: item.envelope, properties: copy, queue: item.queue)
      try expect(again.attempt >= min(item.attempt, Int(Int32.max)), "\(item.attempt) attempts become \(again.attempt)")
    }
  }
}
