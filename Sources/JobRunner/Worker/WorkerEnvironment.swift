internal import AMQP
internal import Broker
internal import Console
internal import Telemetry

/// The environment of a worker: the runner's own, without the runner's settings, and with variables about the item.
package struct WorkerEnvironment: Sendable {
  /// The longest value that is passed on. The kernel's limit for one string is 128 KiB.
  static let maxValueSize = 32 << 10
  /// The limit for all values together.
  static let maxTotalSize = 256 << 10

  /// What is passed on of the environment that the runner itself has.
  package let inherited: [[UInt8]]
  /// The names of the settings that are not passed on.
  package let withheld: [String]

  /// - Parameters:
  ///   - environment: the runner's own, as `NAME=value`.
  ///   - usedSettings: the names of further variables from which a setting was taken, besides those that begin with `AMQP_`.
  ///   - passesSettings: pass the settings on.
  package init(_ environment: [[UInt8]], usedSettings: Set<String>, passesSettings: Bool) {
    var inherited: [[UInt8]] = []
    var withheld: [String] = []
    for entry in environment {
      let name = String(decoding: entry.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
      // A runner may itself be a worker. The variables of its own item are not passed on.
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

  /// The whole environment for a worker on `item`, as `NAME=value`. `path` is the path of the item's file, if it has one.
  package func entries(for item: WorkItem, path: String? = nil) -> [[UInt8]] {
    let variables = ItemVariables(item)
    let entries = variables.entries + (path.map { [Array("WORK_ITEM_FILE=\($0)".utf8)] } ?? [])
    guard !variables.traceContext.isEmpty else { return inherited + entries }
    // The three belong together, so none of the runner's own is mixed with those of the item.
    let own = TraceContext.allCases.map { Array("\($0.variable)=".utf8) }
    return inherited.filter { entry in !own.contains { entry.starts(with: $0) } } + entries + variables.traceContext
  }
}

extension WorkerEnvironment {
  /// The whole environment for a worker that gets `count` items of a queue at once. `item` is the only one where there can be no
  /// more. `directory` is the path of the directory with the items, if there is one.
  func entries(count: Int, of queue: String, only item: WorkItem?, directory: String?) -> [[UInt8]] {
    let entries = item.map { self.entries(for: $0) } ?? inherited + [Array("WORK_ITEM_QUEUE=\(queue)".utf8)]
    return entries + [Array("WORK_ITEM_COUNT=\(count)".utf8)]
      + (directory.map { [Array("WORK_ITEM_DIR=\($0)".utf8)] } ?? [])
  }
}

extension WorkItem {
  /// The environment's variables about the item, as `NAME=value`, for a worker in another container.
  var variables: [[UInt8]] {
    let variables = ItemVariables(self)
    return variables.entries + variables.traceContext
  }
}

/// The headers of W3C Trace Context and Baggage, which a worker gets in variables of their own
/// (<https://opentelemetry.io/docs/specs/otel/context/env-carriers/>).
private enum TraceContext: String, CaseIterable {
  case traceParent = "traceparent"
  case traceState = "tracestate"
  case baggage

  var variable: String { rawValue.uppercased() }

  /// The longest value that is passed on. W3C's form of the first has 55 bytes, and it limits the last to 8192.
  var maxSize: Int { self == .traceParent ? 512 : 8192 }
}

/// The variables about one item, and the names of those that were left out.
private struct ItemVariables {
  private(set) var entries: [[UInt8]] = []
  private var context: [TraceContext: [UInt8]] = [:]
  private var omitted: [UInt8] = []
  private var isAnyOmitted = false
  private var byteCount = 0

  /// The item's trace context, as `NAME=value`.
  var traceContext: [[UInt8]] {
    TraceContext.allCases.compactMap { field in context[field].map { Array("\(field.variable)=".utf8) + $0 } }
  }

  init(_ item: WorkItem) {
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
    if let span = item.span { begin(span, childOf: item.parentSpan) }
    if isAnyOmitted {
      entries.append(Array("WORK_ITEM_HEADERS_OMITTED=".utf8) + omitted.prefix(WorkerEnvironment.maxValueSize))
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
      if let field = TraceContext(rawValue: scalar.header.description), !scalar.value.contains(0),
        scalar.value.count <= field.maxSize
      {
        context[field] = scalar.value
      }
    }
  }

  /// The worker's own spans are children of the attempt's. What other systems wrote goes with their trace only.
  private mutating func begin(_ span: SpanContext, childOf parent: SpanContext?) {
    context[.traceParent] = Array(span.traceParent.utf8)
    if parent == nil { context[.traceState] = nil }
  }

  private mutating func add(_ name: String, _ value: [UInt8]?, as source: String? = nil) {
    guard let value else { return }
    var entry: [UInt8] = []
    entry.reserveCapacity("WORK_ITEM_=".utf8.count + name.utf8.count + value.count)
    entry += "WORK_ITEM_".utf8
    entry += name.utf8
    entry.append(UInt8(ascii: "="))
    entry += value
    guard value.count <= WorkerEnvironment.maxValueSize, !value.contains(0),
      byteCount + entry.count <= WorkerEnvironment.maxTotalSize
    else { return omit(source ?? name) }
    byteCount += entry.count
    entries.append(entry)
  }

  /// Adds a name to the list of omitted ones, which is separated by commas, must not hold NUL, and is likely to be printed. The name is
  /// cleaned by Unicode scalars: as a character, a comma with a combining mark would not be found.
  private mutating func omit(_ name: String) {
    // A list of a million names is cut short.
    guard omitted.count < WorkerEnvironment.maxValueSize else { return }
    if isAnyOmitted { omitted.append(UInt8(ascii: ",")) }
    isAnyOmitted = true
    let scalars = name.unicodeScalars.map { $0 == "," || $0.isUnprintable ? "_" : $0 }
    omitted += String(String.UnicodeScalarView(scalars)).utf8
  }

  /// ASCII letters become upper case, digits stay, and anything else becomes `_`.
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
