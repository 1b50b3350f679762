package import AMQP

/// Messages that were delivered from a queue and will be requeued in their order.
package struct HeldMessages {
  /// A channel of a quorum queue processes at most 32 commands at a time. Messages that are requeued beyond that lose
  /// their order, and so do messages that are still held when the channel ends.
  private static let maxCommandCount = 16
  /// The maximum number of messages that one command requeues. A quorum queue of RabbitMQ 3.10 loses the order of more.
  private static let maxCommandSize = 32
  /// The maximum time to wait for the next message to be back in the queue. Another consumer may take it from there at
  /// once.
  private static let waitLimit: Duration = .seconds(1)

  private let session: BrokerSession
  private let queue: String
  private let channel: UInt16
  /// The number of messages that one command requeues.
  private let commandSize: Int
  /// The delivery tags in the order of the queue.
  private var tags: ArraySlice<UInt64> = []
  /// Whether more messages that were requeued before may follow in the queue. A quorum queue delivers those before all
  /// other messages, and puts requeued messages behind them. They must be held, too, to keep the order.
  package private(set) var isIncomplete = false

  package init(_ session: BrokerSession, queue: String, channel: UInt16, takenBy mode: QueueReader.Mode) {
    self.session = session
    self.queue = queue
    self.channel = channel
    commandSize =
      switch mode {
      // A classic queue goes through all held messages for each command, so one command is best.
      case .consumers(.classic): .max
      case .consumers(.quorum): Self.maxCommandSize
      // Each message was delivered by a command of its own.
      case .gets: 1
      }
  }

  package var count: Int { tags.count }
  package var isEmpty: Bool { tags.isEmpty }

  package mutating func hold(_ delivery: Delivery) {
    tags.append(delivery.envelope.deliveryTag)
    isIncomplete = delivery.envelope.isRedelivered
  }

  /// Holds other messages, which may be from any place in the order.
  package mutating func hold(_ others: [UInt64]) { tags = (tags + others).sorted()[...] }

  /// Requeues all messages in their order, at the head of the queue.
  /// - Precondition: All other messages that were delivered on the channel are settled, or come after these.
  package mutating func requeue() throws(SessionError) {
    guard !tags.isEmpty else { return }
    var ready = UInt64(try session.queueStatus(queue, on: channel).messageCount)
    var isWaiting = true
    // Once the first message is back, the queue has processed all earlier commands.
    var size = 1
    while !tags.isEmpty {
      for _ in 0..<Self.maxCommandCount {
        let command = tags.prefix(size)
        guard let last = command.last else { break }
        // Only this way to requeue does not count towards the delivery limit of RabbitMQ 4.3.
        try session.send(.basicNack(deliveryTag: last, multiple: true, requeue: true), on: channel)
        ready += UInt64(command.count)
        tags.removeFirst(command.count)
        if size < commandSize { break }
      }
      size = commandSize
      if isWaiting { isWaiting = try waitUntilBack(ready) }
    }
  }

  /// Waits until the queue has `count` messages. Returns false if their number stops growing. There is no limit for the
  /// whole time, because a busy broker may need long for many messages.
  private func waitUntilBack(_ count: UInt64) throws(SessionError) -> Bool {
    var maxCount: UInt64 = 0
    var deadline = ContinuousClock.now + Self.waitLimit
    while true {
      let ready = UInt64(try session.queueStatus(queue, on: channel).messageCount)
      if ready >= count { return true }
      if ready > maxCount { (maxCount, deadline) = (ready, .now + Self.waitLimit) }
      guard ContinuousClock.now < deadline else { return false }
      try session.wait(until: .now + .milliseconds(1))
    }
  }
}
