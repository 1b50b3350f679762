/// The reason of the dead letters to select, written as `dead list` shows it.
package struct ReasonFilter: Hashable, Sendable {
  fileprivate static let brokersMark = " (broker)"
  /// Why RabbitMQ dead-letters a message (<https://www.rabbitmq.com/docs/dlx>).
  private static let brokersReasons = ["rejected", "expired", "maxlen", "delivery_limit"]
  private static let ownReasons = DeadLetter.Reason.allCases.map(\.rawValue)

  /// All reasons, as `dead list` shows them.
  package static let shown = ownReasons + brokersReasons.map { $0 + brokersMark }
  /// The same as words for a shell. Each is a reason that a filter takes.
  package static let words = Set(ownReasons + brokersReasons).map(\.withHyphens).sorted()

  private let reason: String
  /// Only the broker's dead letters are meant, and not those of a runner.
  private let isBrokers: Bool

  /// Reads a reason. Its words may be joined by hyphens. Without `(broker)`, it also means the broker's reason of that name.
  /// Returns nil for a text that is no reason.
  package init?(_ text: String) {
    isBrokers = text.hasSuffix(Self.brokersMark)
    let name = isBrokers ? String(text.dropLast(Self.brokersMark.count)) : text
    let known = isBrokers ? Self.brokersReasons : Self.ownReasons + Self.brokersReasons
    guard let reason = known.first(where: { $0 == name || $0.withHyphens == name }) else { return nil }
    self.reason = reason
  }

  func matches(_ letter: DeadLetter) -> Bool { letter.reason == reason && (letter.isBrokers || !isBrokers) }
}

extension DeadLetter {
  /// The reason as `dead list` shows it.
  package var shownReason: String? { reason.map { isBrokers ? $0 + ReasonFilter.brokersMark : $0 } }
}

extension String {
  fileprivate var withHyphens: String { String(map { $0 == " " ? "-" : $0 }) }
}
