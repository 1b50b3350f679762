import AMQP
import Broker
import Console
import JobRunner

/// Asks a broker how full queues are.
struct QueueLookup {
  private static let channel: UInt16 = 1

  private let session: BrokerSession
  private var isOpen = false
  /// Retry and dead-letter queues that do not exist. They are not asked for again, since each refusal is logged by the broker.
  private var absent: Set<String> = []

  init(_ session: BrokerSession) { self.session = session }

  /// The figures of a queue. nil for a queue that does not exist.
  mutating func figures(of name: String) throws(ConversationError) -> QueueFigures? {
    try session.explainingErrors(about: name) { () throws(SessionError) in
      if !isOpen {
        try session.openChannel(Self.channel)
        isOpen = true
      }
      guard let status = try session.queueStatusIfPresent(name, on: Self.channel) else { return nil }
      let queue = WorkQueue(name)
      return QueueFigures(
        name: name, ready: Int(status.messageCount), consumers: Int(status.consumerCount),
        retry: try retryDepth(queue), dead: try depth(queue.deadName))
    }
  }

  /// The number of items in all retry queues. nil if there is none.
  private mutating func retryDepth(_ queue: WorkQueue) throws(SessionError) -> Int? {
    guard var sum = try depth(queue.retryName) else { return nil }
    for level in 2...WorkQueue.maxRetryLevel {
      guard let depth = try depth(queue.retryName(level: level)) else { break }
      sum += depth
    }
    return sum
  }

  static func noSuchQueue(_ names: [String], _ session: BrokerSession) -> Failure {
    let list = names.map { "'\($0)'" }.joined(separator: ", ")
    return Failure(
      .noQueue, "there is no queue \(list) at \(session.broker)\(MissingQueue(names[0]).advice)")
  }

  private mutating func depth(_ name: String) throws(SessionError) -> Int? {
    guard ShortString(name) != nil, !absent.contains(name) else { return nil }
    let status = try session.queueStatusIfKnown(name, on: Self.channel)
    if status == nil { absent.insert(name) }
    return status.map { Int($0.messageCount) }
  }
}
