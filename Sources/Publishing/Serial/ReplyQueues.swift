internal import AMQP
internal import Broker

/// The queues for the results of replayed items, as far as the broker was asked about them.
struct ReplyQueues {
  private static let channel = Replay.channel + 3

  private var isOpen = false
  private var known: [ByteString: Bool] = [:]

  /// Whether the queue is gone, so that nobody waits for the item's result. It counts as there if the user may not ask, or if another
  /// connection has it to itself.
  mutating func isGone(_ queue: ByteString, _ session: BrokerSession) throws(SessionError) -> Bool {
    if let known = known[queue] { return known }
    let isGone = try ask(queue, session)
    known[queue] = isGone
    return isGone
  }

  private mutating func ask(_ queue: ByteString, _ session: BrokerSession) throws(SessionError) -> Bool {
    if !isOpen { try session.openChannel(Self.channel) }
    isOpen = true
    do {
      _ = try session.queueStatus(queue.description, on: Self.channel)
      return false
    } catch .refused(let reason) {
      isOpen = false
      return reason.meansNoSuchQueue
    }
  }
}
