import AMQP
import Broker
import Console
import JSONText

/// The result of one published item.
struct PublishedResult: Hashable {
  /// The item's number, from 1.
  var number: Int
  /// The item's message id.
  var id: String?
  /// The worker's exit status, as a shell shows it. nil if the result has none that a shell could show.
  var status: Int?
  /// Why the item failed; nil if it did not.
  var reason: String?
  var attempts: Int?
  var seconds: Double?
  var host: String?
  var body: [UInt8]

  var isSuccess: Bool { status == 0 && reason == nil }

  /// A runner has dead-lettered the item. Another program that answers gives none of the runner's reasons.
  var isDeadLettered: Bool { reason.flatMap(DeadLetter.Reason.init) != nil }

  var withoutBody: PublishedResult {
    var result = self
    result.body = []
    return result
  }
}

extension PublishedResult {
  /// What stands for a reason that is no text. Whatever the reason is, the item failed.
  private static let unreadableReason = "not text"

  /// Anybody can answer, so the headers may contain anything.
  init(number: Int, _ id: ByteString?, _ properties: BasicProperties, _ body: [UInt8]) {
    let headers = properties.headers ?? [:]
    func integer(_ name: ByteString, in range: ClosedRange<Int64>) -> Int? {
      headers[name]?.integer.flatMap { range.contains($0) ? Int(clamping: $0) : nil }
    }
    self.init(
      number: number, id: id?.description, status: integer(ItemHeader.status, in: 0...255),
      reason: headers[ItemHeader.reason].map { _ in
        headers.string(ItemHeader.reason)?.description ?? Self.unreadableReason
      },
      attempts: integer(ItemHeader.attempts, in: 0 ... .max),
      seconds: integer(ItemHeader.milliseconds, in: 0 ... .max).map { Double($0) / 1000 },
      host: headers.string(ItemHeader.host)?.description, body: body)
  }

  var json: JSON {
    let text = String(validating: body, as: UTF8.self)
    let members: [(String, JSON?)] = [
      ("item", .integer(Int64(number))), ("id", id.map(JSON.text)),
      ("status", status.map { .integer(Int64($0)) }), ("reason", reason.map(JSON.text)),
      ("attempt", attempts.map { .integer(Int64($0)) }),
      ("seconds", seconds.map(JSON.number)), ("host", host.map(JSON.text)),
      ("body", text.map(JSON.text)), ("body_base64", text == nil ? .text(Base64.encoded(body)) : nil),
    ]
    return .object(members.compactMap { name, value in value.map { .init(name, $0) } })
  }
}
