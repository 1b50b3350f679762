import AMQP
import Broker
import Console

/// Removes what a declaration made that has failed after all.
struct QueueWithdrawal {
  private static let channel = QueueConversation.channel

  private let queue: WorkQueue
  private let session: BrokerSession
  /// The queues that were made, in that order.
  var made: [String] = []

  init(_ queue: WorkQueue, _ session: BrokerSession) {
    self.queue = queue
    self.session = session
  }

  /// What to say of the refusal over which it failed, and of what is left.
  func run(over error: any Error) -> Failure {
    var failure = Failure(error, queue: queue.name, broker: session.broker)
    failure.message += "; " + ((try? withdraw()) ?? "what was made may still be there: \(made.joined(separator: ", "))")
    return failure
  }

  /// Removes what nobody has begun to use. What it says is for the user.
  private func withdraw() throws -> String {
    // The refusal has closed it.
    try session.openChannel(Self.channel)
    // Somebody else has made it meanwhile, and needs the others.
    if !made.contains(queue.name), try session.queueStatusIfKnown(queue.name, on: Self.channel) != nil {
      return "others have made that queue meanwhile, so those beside it stay"
    }
    var lost: UInt32 = 0
    for name in made.reversed() {
      guard let status = try session.queueStatusIfPresent(name, on: Self.channel) else { continue }
      guard status.messageCount == 0, status.consumerCount == 0 else {
        return "queue '\(name)' was made, and is in use already, so it stays"
      }
      // A quorum queue cannot be removed on the condition that it is empty.
      lost += try session.delete(queue: name, ifEmpty: false, on: Self.channel)
    }
    guard lost == 0 else {
      return "\(lost.counted("item")) came as what was made was removed again: publish that again"
    }
    return "nothing was made"
  }
}
