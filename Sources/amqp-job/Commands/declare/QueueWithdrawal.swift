import AMQP
import Broker
import Console

/// Removes the queues that were declared before a later step of `declare` failed.
struct QueueWithdrawal {
  private static let channel = BrokerConversation.channel

  private let queue: WorkQueue
  private let session: BrokerSession
  /// The queues that were declared, in that order.
  var made: [String] = []

  init(_ queue: WorkQueue, _ session: BrokerSession) {
    self.queue = queue
    self.session = session
  }

  /// Removes the queues, and returns the failure to report. It names the original `failure` and what is left behind.
  func run(over failure: Failure) -> Failure {
    var failure = failure
    let rest = (try? withdraw()) ?? "what was made may still be there: \(made.joined(separator: ", "))"
    failure.message += "; \(rest)"
    return failure
  }

  /// Removes the queues that nobody uses yet, and returns the result in words for the user.
  private func withdraw() throws(SessionError) -> String {
    // The refusal has closed the channel.
    try session.openChannel(Self.channel)
    // If somebody else has declared the main queue meanwhile, it needs its companions.
    if !made.contains(queue.name), try session.queueStatusIfKnown(queue.name, on: Self.channel) != nil {
      return "others have made that queue meanwhile, so those beside it stay"
    }
    var lost: UInt32 = 0
    for name in made.reversed() {
      guard let status = try session.queueStatusIfPresent(name, on: Self.channel) else { continue }
      guard status.messageCount == 0, status.consumerCount == 0 else {
        return "queue '\(name)' was made, and is in use already, so it stays"
      }
      // A quorum queue cannot be deleted on condition that it is empty.
      lost += try session.delete(queue: name, ifEmpty: false, on: Self.channel)
    }
    guard lost == 0 else {
      let those = lost == 1 ? "it" : "them"
      return "\(lost.counted("item")) came while the new queues were removed again: publish \(those) again"
    }
    return "nothing was made"
  }
}
