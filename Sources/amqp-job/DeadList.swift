import AMQP
import Broker
import JobRunner
import Reports

/// `amqp-job dead list`: reads the items, gives them back as they came, and shows what their headers say.
struct DeadList {
  /// What a queue that was not made by `declare` may drop an item for is how often it came back: 20 times by default.
  private static let mostReturns = 10

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
    let session = try dead.connect()
    let depth = try dead.depth(session)
    let items: [DeadItem]
    do {
      items = try read(session, most: min(depth, limit))
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

  private func read(_ session: BrokerSession, most: Int) throws -> [DeadItem] {
    var items: [DeadItem] = []
    var held = HeldMessages(session, queue: dead.queue.deadName, channel: Dead.channel)
    do {
      while items.count < most, let delivery = try session.get(from: dead.queue.deadName, on: Dead.channel) {
        held.hold(delivery)
        try checkLimit(delivery, session)
        items.append(DeadItem(delivery))
      }
    } catch {
      try? held.giveBack()
      throw error
    }
    try held.giveBack()
    try session.closeChannel(Dead.channel)
    return items
  }

  /// Looking at an item counts as a return, so none is looked at that the queue might drop for it.
  private func checkLimit(_ delivery: Delivery, _ session: BrokerSession) throws {
    guard let returns = delivery.properties.headers?["x-delivery-count"]?.integer, returns >= Self.mostReturns,
      try !isOurs(session)
    else { return }
    let id = delivery.properties.messageID.map { " '\($0)'" } ?? ""
    throw Failure(
      .wrongQueue,
      "\(dead.place(session)) was not made by 'amqp-job declare', and may drop an item that is looked at too often: "
        + "item\(id) came back \(returns) times; move the items to another queue, remove this one and declare it anew")
  }

  private func isOurs(_ session: BrokerSession) throws -> Bool {
    let channel = Dead.channel + 1
    try session.openChannel(channel)
    do {
      try session.declare(dead.queue.deadDeclaration, on: channel)
      try session.closeChannel(channel)
      return true
    } catch BrokerSession.CallError.refused {
      return false
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
    size = delivery.body.count
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
      ("headers", .object(scalarHeaders)),
    ]
    return .object(members.compactMap { name, value in value.map { .init(name, $0) } })
  }

  /// Of headers with one name, the first.
  private var scalarHeaders: [JSON.Member] {
    var names: Set<ByteString> = []
    return headers.entries.compactMap { entry in
      guard let value = JSON(entry.value), names.insert(entry.name).inserted else { return nil }
      return .init(entry.name.description, value)
    }
  }
}

extension JSON {
  /// nil for what is no scalar.
  fileprivate init?(_ value: FieldValue) {
    switch value {
    case .boolean(let value): self = .boolean(value)
    case .float(let value): self = .number(Double(value))
    case .double(let value): self = .number(value)
    case .timestamp(let value): self = .text(utcText(secondsSince1970: value))
    case .array, .table, .void: return nil
    default:
      guard let bytes = value.scalarBytes else { return nil }
      self = value.integer.map { .integer($0) } ?? .text(String(decoding: bytes, as: UTF8.self))
    }
  }
}
