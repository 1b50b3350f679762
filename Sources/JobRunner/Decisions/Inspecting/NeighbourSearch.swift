package import AMQP
package import Broker

/// Finds out by name whether there are queues beside another queue that may not refer to them.
package struct NeighbourSearch: Hashable, Sendable {
  private let names: [String]
  private let channel: UInt16
  private var foundCount = 0

  package enum Finding: Hashable, Sendable {
    case found
    case absent
    case hidden
    case refused(CloseReason)
  }

  /// For a queue that does not refer to others. Returns nil if its name leaves no room for theirs.
  package init?(besidePlain queue: WorkQueue, on channel: UInt16) {
    self.init([queue.retryName, queue.deadName], of: queue, on: channel)
  }

  /// For a queue that is said to have all of them, with this many retry queues. Returns nil if its name leaves no room
  /// for theirs.
  package init?(besideDeclared queue: WorkQueue, retryLevels: Int = 1, on channel: UInt16) {
    self.init(
      queue.retryNames(levels: retryLevels) + [queue.deadName, queue.marksName], of: queue, on: channel)
  }

  private init?(_ names: [String], of queue: WorkQueue, on channel: UInt16) {
    guard queue.name.utf8.count <= WorkQueue.maxNameSize else { return nil }
    (self.names, self.channel) = (names, channel)
  }

  package var questions: [ChannelMethod] {
    ([.channelOpen] + names.map { .queueDeclare(.init(name: ByteString($0), isPassive: true)) })
      .map { ChannelMethod($0, on: channel) }
  }

  package mutating func take(_ answer: Method, on channel: UInt16) -> Finding? {
    guard channel == self.channel else { return nil }
    switch answer {
    case .queueDeclareOK:
      foundCount += 1
      return foundCount == names.count ? .found : nil
    case .channelClose(let reason):
      switch reason.code {
      case .notFound where reason.refusal == .noQueue: return .absent
      case .accessRefused: return .hidden
      default: return .refused(reason)
      }
    default: return nil
    }
  }
}
