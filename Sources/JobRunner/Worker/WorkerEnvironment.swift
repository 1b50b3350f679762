internal import AMQP
internal import Broker
internal import Console

/// The environment that a worker gets: ours, less the settings that were for us, plus what is known of the item.
package struct WorkerEnvironment: Sendable {
  /// The longest value that is handed on; the kernel's own limit for one string is 128 KiB.
  static let longestValue = 32 << 10
  /// The most that all values together may take.
  static let mostBytes = 256 << 10

  private let inherited: [[UInt8]]
  /// The names of the settings that are not handed on.
  package let withheld: [String]

  /// - Parameters:
  ///   - environment: ours, `NAME=value` each.
  ///   - usedSettings: the names, besides those that begin with `AMQP_`, from which a setting was taken.
  ///   - passesSettings: hand the settings on after all.
  package init(_ environment: [[UInt8]], usedSettings: Set<String>, passesSettings: Bool) {
    var inherited: [[UInt8]] = []
    var withheld: [String] = []
    for entry in environment {
      let name = String(decoding: entry.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
      // An item's variables are about this item; those of a runner that we run in are not.
      if name.hasPrefix("WORK_ITEM_") { continue }
      if !passesSettings, name.hasPrefix("AMQP_") || usedSettings.contains(name) {
        withheld.append(name)
      } else {
        inherited.append(entry)
      }
    }
    self.inherited = inherited
    self.withheld = withheld.sorted()
  }

  /// The whole environment for a worker on `item`, `NAME=value` each. `path` is that of the item's file, where it has one.
  package func entries(for item: WorkItem, path: String? = nil) -> [[UInt8]] {
    var variables = ItemVariables()
    variables.add(item)
    let entries = variables.entries + (path.map { [Array("WORK_ITEM_FILE=\($0)".utf8)] } ?? [])
    guard let traceParent = variables.traceParent else { return inherited + entries }
    return inherited.filter { !$0.starts(with: Array("TRACEPARENT=".utf8)) }
      + entries + [Array("TRACEPARENT=".utf8) + traceParent]
  }
}

/// The variables about one item, and the names of those that had to be left out.
private struct ItemVariables {
  private(set) var entries: [[UInt8]] = []
  private(set) var traceParent: [UInt8]?
  private var omitted: [UInt8] = []
  private var isAnyOmitted = false
  private var byteCount = 0

  mutating func add(_ item: WorkItem) {
    let properties = item.properties
    add("ATTEMPT", Array("\(item.attempt)".utf8))
    add("REDELIVERED", Array("\(item.envelope.isRedelivered)".utf8))
    add("QUEUE", Array(item.queue.utf8))
    let publish = item.firstPublish
    add("EXCHANGE", publish.exchange.bytes)
    add("ROUTING_KEY", publish.routingKey.bytes)
    add("ID", properties.messageID?.bytes)
    add("CONTENT_TYPE", properties.contentType?.bytes)
    add("CONTENT_ENCODING", properties.contentEncoding?.bytes)
    add("CORRELATION_ID", properties.correlationID?.bytes)
    add("REPLY_TO", properties.replyTo?.bytes)
    add("TIMESTAMP", properties.timestamp.map { Array("\($0)".utf8) })
    add("TYPE", properties.type?.bytes)
    add("APP_ID", properties.appID?.bytes)
    add("PRIORITY", properties.priority.map { Array("\($0)".utf8) })
    add(properties.headers ?? [:])
    if isAnyOmitted {
      entries.append(Array("WORK_ITEM_HEADERS_OMITTED=".utf8) + omitted.prefix(WorkerEnvironment.longestValue))
    }
  }

  private mutating func add(_ headers: FieldTable) {
    let scalars = headers.entries.compactMap { entry in
      entry.value.scalarBytes.map { (header: entry.name, name: variableName(entry.name), value: $0) }
    }
    let uses = Dictionary(scalars.map { ($0.name, 1) }, uniquingKeysWith: +)
    for scalar in scalars {
      if uses[scalar.name] == 1 {
        add("HEADER_" + scalar.name, scalar.value, as: scalar.header.description)
      } else {
        omit(scalar.header.description)
      }
      // W3C's form has 55 bytes.
      if scalar.header == "traceparent", !scalar.value.contains(0), scalar.value.count <= 512 {
        traceParent = scalar.value
      }
    }
  }

  private mutating func add(_ name: String, _ value: [UInt8]?, as source: String? = nil) {
    guard let value else { return }
    var entry: [UInt8] = []
    entry.reserveCapacity("WORK_ITEM_=".utf8.count + name.utf8.count + value.count)
    entry += "WORK_ITEM_".utf8
    entry += name.utf8
    entry.append(UInt8(ascii: "="))
    entry += value
    guard value.count <= WorkerEnvironment.longestValue, !value.contains(0),
      byteCount + entry.count <= WorkerEnvironment.mostBytes
    else { return omit(source ?? name) }
    byteCount += entry.count
    entries.append(entry)
  }

  /// The list separates names by commas, may hold no NUL, and is likely to be printed. Not by characters: a mark behind a comma hides it in one.
  private mutating func omit(_ name: String) {
    // Of a million names few are shown.
    guard omitted.count < WorkerEnvironment.longestValue else { return }
    if isAnyOmitted { omitted.append(UInt8(ascii: ",")) }
    isAnyOmitted = true
    let scalars = name.unicodeScalars.map { $0 == "," || $0.isUnprintable ? "_" : $0 }
    omitted += String(String.UnicodeScalarView(scalars)).utf8
  }

  /// ASCII letters in upper case, digits as they are, all else `_`.
  private func variableName(_ header: ByteString) -> String {
    let bytes = header.description.unicodeScalars.map { scalar -> UInt8 in
      switch scalar {
      case "a"..."z": UInt8(scalar.value) - 32
      case "A"..."Z", "0"..."9": UInt8(scalar.value)
      default: UInt8(ascii: "_")
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
