import AMQP
import Broker
import Console

/// Asks a broker how full queues are.
struct QueueLookup {
  private static let channel: UInt16 = 1

  private let session: BrokerSession
  private var isOpen = false
  /// Queues that some queues have, and these not: to ask again would fill the broker's log.
  private var absent: Set<String> = []

  init(_ session: BrokerSession) { self.session = session }

  /// nil for a queue that is not there.
  /// - Throws: `BrokerFailure`, `BrokerSession.Stopped`, and `Failure` for any other error
  mutating func figures(of name: String) throws -> QueueFigures? {
    do {
      if !isOpen {
        try session.openChannel(Self.channel)
        isOpen = true
      }
      guard let status = try session.queueStatusIfPresent(name, on: Self.channel) else { return nil }
      let queue = WorkQueue(name)
      return QueueFigures(
        name: name, ready: Int(status.messageCount), consumers: Int(status.consumerCount),
        retry: try depth(queue.retryName), dead: try depth(queue.deadName))
    } catch  where error is BrokerFailure || error is BrokerSession.Stopped {
      throw error
    } catch {
      throw Failure(error, queue: name, broker: session.broker)
    }
  }

  static func noSuchQueue(_ names: [String], _ session: BrokerSession) -> Failure {
    let list = names.map { "'\($0)'" }.joined(separator: ", ")
    return Failure(
      .noQueue, "there is no queue \(list) at \(session.broker); 'amqp-job declare \(names[0])' makes one")
  }

  private mutating func depth(_ name: String) throws -> Int? {
    guard name.utf8.count <= 255, !absent.contains(name) else { return nil }
    let status = try session.queueStatusIfKnown(name, on: Self.channel)
    if status == nil { absent.insert(name) }
    return status.map { Int($0.messageCount) }
  }
}
