internal import AMQP

/// A way for an item out of its queue, other than being done: a confirmed copy, and then the ack.
public struct Move: Hashable, Sendable {
  public enum Destination: Hashable, Sendable {
    /// The queue that it came from.
    case queue
    /// The retry queue, which gives it back after a while.
    case retry(after: Duration)
    case deadLetter(DeadLetterCause)
  }

  public var destination: Destination
  /// The attempts that the item has behind it.
  public var attempts: Int

  public init(destination: Destination, attempts: Int) {
    self.destination = destination
    self.attempts = attempts
  }
}

/// An item on its way.
struct MovingItem: Hashable, Sendable {
  let item: WorkItem
  let move: Move
  /// The job that it failed; nil for an item that nobody ran.
  let ended: EndedJob?
  /// It is with us only because it came when we had ceased to want it.
  var isUnwanted = false
  /// The copy is published when the channel has answered: an item that is lost at once has no copy, however often it comes.
  var isAsking = false
}
