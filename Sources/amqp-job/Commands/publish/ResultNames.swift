import AMQP
import Console

/// The names by which results are told apart: the queue that they come into, and the items' correlation ids.
struct ResultNames {
  let token = String(UInt64.random(in: .min ... .max), radix: 16)

  var queue: String { "amqp-job.results.\(token)" }

  /// How long the queue lasts when nobody waits any more, in milliseconds: a day.
  static let expiry: Int32 = 24 * 60 * 60 * 1000

  /// What becomes of the queue if results may still come when nobody waits any more. It follows another message.
  var stay: LogMessage { "; queue '\(queue)' takes what still comes, and stays for a day" }

  /// Why an item with these properties cannot be published; nil if it can. Its result would go elsewhere, or could not be told from
  /// that of another item.
  func objection(to properties: BasicProperties) -> String? {
    let name =
      properties.replyTo != ByteString(queue) ? "reply_to" : properties.correlationID != nil ? "correlation_id" : nil
    return name.map { "the item has a \($0) of its own, and \(ResultWait.wait) gives it one" }
  }
}
