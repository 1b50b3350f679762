import AMQP
import Broker
import Console

/// The dead letters that a command is about, and which of those that were asked for by their ids or positions have been met.
final class DeadSelection {
  let filter: DeadLetterFilter
  private var missingIDs: Set<String>
  /// Of the latest message, 1 the head of the queue.
  private var position = 0
  private var latestTag: UInt64?

  init(_ filter: DeadLetterFilter) {
    self.filter = filter
    missingIDs = filter.ids
  }

  /// All that were asked for by their positions have been met.
  var isPast: Bool { filter.positions.map { position >= $0.last } ?? false }

  /// Where the message is in its queue. They have to come in order, each as often as one likes.
  func position(of delivery: Delivery) -> Int {
    if delivery.envelope.deliveryTag != latestTag { position += 1 }
    latestTag = delivery.envelope.deliveryTag
    return position
  }

  func contains(_ delivery: Delivery) -> Bool {
    let position = position(of: delivery)
    if !missingIDs.isEmpty, let id = delivery.properties.messageID { missingIDs.remove(id.description) }
    return filter.matches(delivery.properties, at: position)
  }

  /// Why not all was done that was asked for; `done` is what was.
  func failure(in place: String, _ done: String? = nil) -> Failure? {
    let missing: String
    if let last = filter.positions?.last, position < last {
      missing = "is at the position \(last)"
    } else if !missingIDs.isEmpty {
      missing = "has the id \(missingIDs.sorted().map { "'\($0)'" }.joined(separator: ", "))"
    } else {
      return nil
    }
    return Failure(.failure, "no item in \(place) \(missing)" + (done.map { "; \($0)" } ?? ""))
  }
}
