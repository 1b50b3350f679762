import AMQP
import Broker
import JobRunner
import Reports

/// `amqp-job dead list`: reads the items, gives them back as they came, and shows what their headers say.
struct DeadList {
  private let dead: Dead
  private let limit: Int
  private let isJSON: Bool

  init(_ dead: Dead, limit: Int, isJSON: Bool) {
    self.dead = dead
    self.limit = limit
    self.isJSON = isJSON
  }

  /// - Throws: `Failure`
  func run() throws {
    // Of a body its size is all that is shown.
    let session = try dead.connect(largestBodyInMemory: 0)
    let depth = try dead.depth(session)
    let items: [DeadItem]
    do {
      items = try read(session, depth)
    } catch {
      throw Failure(error, queue: dead.queue.deadName, broker: session.broker)
    }
    session.close()
    // Nobody who reads slowly keeps us from giving back.
    if isJSON {
      for item in items { try Output.write("\(item.json)\n") }
    } else if items.isEmpty {
      dead.reporter.report(LogEntry(.notice, "\(dead.place(session)) is empty"))
    } else {
      try Output.write(DeadItem.table(items))
    }
  }

  private func read(_ session: BrokerSession, _ depth: Int) throws -> [DeadItem] {
    try checkLimit(session)
    var items: [DeadItem] = []
    var held = HeldMessages(session, queue: dead.queue.deadName, channel: Dead.channel)
    do {
      for _ in 0..<depth where items.count < limit || held.isIncomplete {
        guard let delivery = try session.get(from: dead.queue.deadName, on: Dead.channel, onPart: { _, _ in }) else {
          break
        }
        held.hold(delivery)
        if items.count < limit { items.append(DeadItem(delivery)) }
      }
    } catch {
      try? held.giveBack()
      throw error
    }
    try held.giveBack()
    try session.closeChannel(Dead.channel)
    return items
  }

  /// A quorum queue that was not made by `declare` may drop what it takes back too often, and before 4.3 it counts
  /// every look: from 4.0 on 20 of them unless it was told otherwise.
  private func checkLimit(_ session: BrokerSession) throws {
    let version = session.serverVersion
    if let version, version >= ServerVersion(4, 3) { return }
    let channel = Dead.channel + 1
    try session.openChannel(channel)
    do {
      try session.declare(dead.queue.deadDeclaration, on: channel)
      try session.closeChannel(channel)
    } catch BrokerSession.CallError.refused(let reason) {
      if reason.refusal == .notPermitted {
        throw Failure(
          .notPermitted,
          "cannot know whether \(dead.place(session)) drops items that are looked at often, so none was looked at: that takes "
            + "permission to configure it (\(reason.text)); 'dead replay' does not need it")
      }
      guard reason.code == .preconditionFailed else { throw BrokerSession.CallError.refused(reason) }
      let isUnlimited = version.map { $0 < ServerVersion(4, 0) } == true && reason.text.hasSuffix("current is none")
      guard reason.differs(in: "x-queue-type") || reason.differs(in: "x-delivery-limit") && isUnlimited else {
        throw Failure(
          .wrongQueue,
          "\(dead.place(session)) was not made by 'amqp-job declare', and may drop items that are looked at often: "
            + "none was looked at ('dead replay' loses none)")
      }
    }
  }
}

/// A dead letter as it is listed.
struct DeadItem {
  private let id: String?
  private let letter: DeadLetter
  private let size: Int
  private let headers: FieldTable

  init(_ delivery: Delivery) {
    id = delivery.properties.messageID?.description
    letter = DeadLetter(headers: delivery.properties.headers)
    size = Int(clamping: delivery.bodySize)
    // The broker's count the looks too, and would differ each time.
    headers = delivery.properties.withoutBrokerHeaders().headers ?? [:]
  }

  static func table(_ items: [DeadItem]) -> String {
    var table = TextTable(
      .text("ID"), .number("ATTEMPTS"), .text("REASON"), .text("STATUS"), .text("HOST"), .text("TIME"), .number("SIZE"))
    for item in items {
      let letter = item.letter
      table.add(
        item.id, letter.attempts.map { "\($0)" }, letter.reason.map { letter.isBrokers ? "\($0) (broker)" : $0 },
        letter.signal ?? letter.status.map { "\($0)" }, letter.host, letter.time.map(utcText), "\(item.size)")
    }
    return table.text
  }

  /// What there is no value for is left out.
  var json: JSON {
    let members: [(String, JSON?)] = [
      ("id", id.map { .text($0) }), ("queue", letter.queue.map { .text($0) }),
      ("reason", letter.reason.map { .text($0) }),
      ("by", letter.reason.map { _ in .text(letter.isBrokers ? "broker" : "amqp-job") }),
      ("status", letter.status.map { .integer(Int64($0)) }), ("signal", letter.signal.map { .text($0) }),
      ("attempts", letter.attempts.map { .integer(Int64($0)) }), ("host", letter.host.map { .text($0) }),
      ("time", letter.time.map { .text(utcText(secondsSince1970: $0)) }), ("size", .integer(Int64(size))),
      ("headers", JSON(headers)),
    ]
    return .object(members.compactMap { name, value in value.map { .init(name, $0) } })
  }
}

extension JSON {
  /// Of fields with one name, the first.
  fileprivate init(_ table: FieldTable) {
    var names: Set<ByteString> = []
    self = .object(
      table.entries.compactMap { entry in
        guard let value = JSON(entry.value), names.insert(entry.name).inserted else { return nil }
        return .init(entry.name.description, value)
      })
  }

  /// nil for what cannot be read. No value is deeper than `FieldTable.deepest`.
  fileprivate init?(_ value: FieldValue) {
    switch value {
    case .boolean(let value): self = .boolean(value)
    case .float(let value): self = .number(Double(value))
    case .double(let value): self = .number(value)
    case .timestamp(let value): self = .text(utcText(secondsSince1970: value))
    case .array(let elements): self = .array(elements.map { JSON($0) ?? .null })
    case .table(let table): self = JSON(table)
    case .void: self = .null
    case .unread: return nil
    default:
      guard let bytes = value.scalarBytes else { return nil }
      self = value.integer.map { .integer($0) } ?? .text(String(decoding: bytes, as: UTF8.self))
    }
  }
}
