internal import Broker
internal import Console

/// A queue that does not exist.
package struct MissingQueue: Hashable, Sendable {
  private let name: String

  package init(_ name: String) { self.name = name }

  /// What to do about it, to follow the message that says so. A queue beside another is made with that one.
  package var advice: String {
    name.isInQuotes
      ? " (the quotes are part of that name)"
      : "; check the name, or make the queue with 'amqp-job declare \(WorkQueue(name).family.name.shellWord)'"
  }
}
