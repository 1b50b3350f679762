import AMQP
import Broker
import Console

/// A queue that has the name of one that `declare` makes beside another queue, for the use of runners. Whatever else is in such a
/// queue never leaves it, and the other queue would never count as drained.
struct ReservedQueue {
  let queue: WorkQueue
  let owner: WorkQueue

  /// nil for a destination of any other name.
  init?(_ destination: Destination) {
    guard let owner = destination.owner else { return nil }
    (queue, self.owner) = (WorkQueue(destination.routingKey), owner)
  }

  /// Fails if `declare` made the queue, which it did if all of its owner's queues are there. `cure` says what to do instead.
  func check(_ conversation: QueueConversation, cure: String) throws(ConversationError) {
    for name in owner.names.dropFirst() {
      let status = try conversation.ask { session throws(SessionError) in
        try session.queueStatusIfKnown(name, on: BrokerConversation.channel)
      }
      guard status != nil else { return }
    }
    throw .failed(
      Failure(
        .wrongQueue,
        """
        cannot publish to queue '\(queue.name)' at \(conversation.session.broker): it \(queue.purpose), and nothing else may be in \
        it; \(cure)
        """))
  }
}
