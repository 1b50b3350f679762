internal import AMQP
internal import Broker

/// How many items wait in the queue and in its retry queues, for the progress that is shown. A client needs no permission to ask.
struct Depth: Hashable, Sendable {
  private let queue: WorkQueue
  private var counts: [ByteString: Int] = [:]
  private var unansweredCount = 0
  /// The broker has refused an answer, so it is not asked again.
  private(set) var isRefused = false

  init(_ queue: WorkQueue) { self.queue = queue }

  /// The number of items; nil as long as it is not known.
  var count: Int? { counts.isEmpty ? nil : counts.values.reduce(0, +) }

  /// All that was asked has been answered.
  var isAnswered: Bool { unansweredCount == 0 }

  /// What to ask on a channel of its own. `isNewChannel` is whether answers on an older one are not to be expected any more.
  mutating func questions(retryQueues: [String], isNewChannel: Bool) -> [Method] {
    if isNewChannel { unansweredCount = 0 }
    guard unansweredCount == 0, !isRefused else { return [] }
    let names = [queue.name] + retryQueues
    unansweredCount = names.count
    return names.map { .queueDeclare(.init(name: ByteString($0), isPassive: true)) }
  }

  mutating func take(_ status: Method.QueueStatus) {
    unansweredCount = max(0, unansweredCount - 1)
    counts[status.name] = Int(status.messageCount)
  }

  mutating func refused() { (counts, isRefused) = ([:], true) }
}
