import AMQP
import Broker
import Console

/// The dead letters that a command applies to. It remembers which of the requested ids and positions have been found.
final class DeadSelection {
  let filter: DeadLetterFilter
  private var missingIDs: Set<String>
  /// The position of the latest message. The head of the queue has position 1.
  private var position = 0
  private var latestTag: UInt64?

  init(_ filter: DeadLetterFilter) {
    self.filter = filter
    missingIDs = filter.ids
  }

  /// How many missing positions a message names.
  private static let namedPositions = 10

  private static func text(of positions: [Int]) -> String {
    let names = positions.prefix(namedPositions).map(String.init) + (positions.count > namedPositions ? ["..."] : [])
    return "position\(positions.count == 1 ? "" : "s") \(names.joined(separator: ", "))"
  }

  /// Whether all requested positions have been passed.
  var isPast: Bool { filter.positions.map { position >= $0.last } ?? false }

  /// The position of the message in its queue. Messages have to be passed in order. The latest one may be passed repeatedly.
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

  /// The failure to report where a requested id or position was not found. `done` says what was done nevertheless.
  func failure(in place: String, _ done: String? = nil) -> Failure? {
    let missing: String
    if let positions = filter.positions, position < positions.last {
      missing = "is at the \(Self.text(of: positions.beyond(position, atMost: Self.namedPositions + 1)))"
    } else if !missingIDs.isEmpty {
      missing = "has the id \(missingIDs.sorted().map { "'\($0)'" }.joined(separator: ", "))"
    } else {
      return nil
    }
    return Failure(.failure, "no item in \(place) \(missing)" + (done.map { "; \($0)" } ?? ""))
  }
}
