import AMQP
import Broker
import Console
import JobRunner

/// `amqp-job dead list`: reads the items, gives them back unchanged, and shows what their headers say.
struct DeadList {
  private let dead: Dead
  private let selection: DeadSelection
  private let limit: Int
  private let isJSON: Bool

  init(_ dead: Dead, _ filter: DeadLetterFilter, limit: Int, isJSON: Bool) {
    self.dead = dead
    selection = DeadSelection(filter)
    self.limit = limit
    self.isJSON = isJSON
  }

  /// - Throws: `Failure`
  func run() throws {
    // The bodies are not needed, only their sizes.
    let session = try dead.conversation.connect(largestBodyInMemory: 0)
    let depth = try dead.depth(session)
    let method = try dead.readingMethod(session)
    var items: [DeadItem] = []
    try dead.scan(session, depth: depth, by: method, wantsMore: { items.count < limit && !selection.isPast }) {
      delivery in
      if items.count < limit, selection.contains(delivery) {
        items.append(DeadItem(delivery, at: selection.position(of: delivery)))
      }
      return .keep
    }
    session.close()
    // The items are given back before the output is written, since its reader may be slow.
    if isJSON {
      for item in items { try Output.write("\(item.json)\n") }
    } else if !items.isEmpty {
      try Output.write(DeadItem.table(items))
    }
    if items.count < limit, let failure = selection.failure(in: dead.place(session)) { throw failure }
    if items.isEmpty, !isJSON {
      let state = depth == 0 ? "is empty" : "has no such item"
      dead.reporter.report(LogEntry(.notice, "\(dead.place(session)) \(state)"))
    }
  }
}

/// A dead letter, as `dead list` shows it.
struct DeadItem {
  /// The position in the queue. The head has position 1.
  private let position: Int
  private let id: String?
  private let letter: DeadLetter
  private let size: Int
  private let headers: FieldTable

  init(_ delivery: Delivery, at position: Int) {
    self.position = position
    id = delivery.properties.messageID?.description
    letter = DeadLetter(headers: delivery.properties.headers)
    size = Int(clamping: delivery.bodySize)
    // The broker's own headers count how often an item was read, and would differ each time.
    headers = delivery.properties.withoutBrokerHeaders().headers ?? [:]
  }

  static func table(_ items: [DeadItem]) -> String {
    var table = TextTable(
      .number("POSITION"), .text("ID"), .number("ATTEMPTS"), .text("REASON"), .text("STATUS"), .text("HOST"),
      .text("TIME"), .number("SIZE"))
    for item in items {
      let letter = item.letter
      table.add(
        "\(item.position)", item.id, letter.attempts.map { "\($0)" },
        letter.shownReason,
        letter.signal ?? letter.status.map { "\($0)" }, letter.host, letter.time.map(utcText(secondsSince1970:)),
        "\(item.size)")
    }
    return table.text
  }

  /// Members without a value are left out.
  var json: JSON { .object(members + [.init("headers", JSON(headers: headers))]) }

  var members: [JSON.Member] {
    let members: [(String, JSON?)] = [
      ("position", .integer(Int64(position))), ("id", id.map { .text($0) }), ("queue", letter.queue.map { .text($0) }),
      ("reason", letter.reason.map { .text($0) }),
      ("by", letter.reason.map { _ in .text(letter.isBrokers ? "broker" : "amqp-job") }),
      ("status", letter.status.map { .integer(Int64($0)) }), ("signal", letter.signal.map { .text($0) }),
      ("attempts", letter.attempts.map { .integer(Int64($0)) }), ("host", letter.host.map { .text($0) }),
      ("step", letter.step.map { .text($0) }),
      ("stderr", letter.standardError.map { .text($0) }),
      ("time", letter.time.map { .text(utcText(secondsSince1970: $0)) }), ("size", .integer(Int64(size))),
    ]
    return members.compactMap { name, value in value.map { .init(name, $0) } }
  }
}
