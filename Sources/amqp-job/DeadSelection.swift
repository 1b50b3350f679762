import AMQP
import Broker
import JobRunner

/// The dead letters that a command is about, and which of those that were asked for by their ids have been met.
final class DeadSelection {
  let filter: DeadLetterFilter
  private var missingIDs: Set<String>

  init(_ filter: DeadLetterFilter) {
    self.filter = filter
    missingIDs = filter.ids
  }

  func contains(_ delivery: Delivery) -> Bool {
    if !missingIDs.isEmpty, let id = delivery.properties.messageID { missingIDs.remove(id.description) }
    return filter.matches(delivery.properties)
  }

  /// Why not all was done that was asked for; `done` is what was.
  func failure(in place: String, _ done: String? = nil) -> Failure? {
    guard !missingIDs.isEmpty else { return nil }
    let missing = missingIDs.sorted().map { "'\($0)'" }.joined(separator: ", ")
    return Failure(.failure, "no item in \(place) has the id \(missing)" + (done.map { "; \($0)" } ?? ""))
  }
}
