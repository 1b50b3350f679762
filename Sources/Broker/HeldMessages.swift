import AMQP

/// Messages that were taken from a queue, and are to go back as they came.
struct HeldMessages {
  /// A quorum queue's channel has 32 of its commands under way at most. What is given back beyond that loses its
  /// order, and so does what is still held when the channel ends.
  private static let mostCommands = 16
  /// A quorum queue of RabbitMQ 3.10 forgets the order of more messages that one command gives back.
  private static let mostAtOnce = 32
  /// How long to wait for more of them to be in the queue again. Others may take them from there at once.
  private static let waitLimit: Duration = .seconds(1)

  private let session: BrokerSession
  private let queue: String
  private let channel: UInt16
  /// How many messages one command gives back.
  private let commandSize: Int
  /// Delivery tags, in the queue's order.
  private var tags: ArraySlice<UInt64> = []
  /// Whether others that were given back once may follow in the queue. A quorum queue hands those out before all that
  /// were not, and puts what is given back behind them: so they have to be held, too, if the order is to stay.
  private(set) var isIncomplete = false

  init(_ session: BrokerSession, queue: String, channel: UInt16, takenBy way: QueueReader.Way) {
    self.session = session
    self.queue = queue
    self.channel = channel
    commandSize =
      switch way {
      // For each command a classic queue goes through all that are there.
      case .consumers(.classic): .max
      case .consumers(.quorum): Self.mostAtOnce
      // What each brings is a command of its own.
      case .gets: 1
      }
  }

  var count: Int { tags.count }
  var isEmpty: Bool { tags.isEmpty }

  mutating func hold(_ delivery: Delivery) {
    tags.append(delivery.envelope.deliveryTag)
    isIncomplete = delivery.envelope.isRedelivered
  }

  /// Others, which need not come last.
  mutating func hold(_ others: [UInt64]) { tags = (tags + others).sorted()[...] }

  /// Gives all of them back, in their order, to the place that they came from.
  /// - Precondition: Every other message that came on the channel has been settled, or comes after them.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`
  mutating func giveBack() throws {
    guard !tags.isEmpty else { return }
    var ready = UInt64(try session.queueStatus(queue, on: channel).messageCount)
    var isWaiting = true
    // When the first one is back, the queue has done what it was asked for before.
    var size = 1
    while !tags.isEmpty {
      for _ in 0..<Self.mostCommands {
        let command = tags.prefix(size)
        guard let last = command.last else { break }
        // Of the ways to give back, this alone does not raise what RabbitMQ 4.3 holds against its limit.
        try session.send(.basicNack(deliveryTag: last, multiple: true, requeue: true), on: channel)
        ready += UInt64(command.count)
        tags.removeFirst(command.count)
        if size < commandSize { break }
      }
      size = commandSize
      if isWaiting { isWaiting = try waitUntilBack(ready) }
    }
  }

  /// False where that many do not come to be there. A busy broker may need long for all of many, so it is only when no more come
  /// back that nobody waits any longer.
  private func waitUntilBack(_ count: UInt64) throws -> Bool {
    var most: UInt64 = 0
    var deadline = ContinuousClock.now + Self.waitLimit
    while true {
      let ready = UInt64(try session.queueStatus(queue, on: channel).messageCount)
      if ready >= count { return true }
      if ready > most { (most, deadline) = (ready, .now + Self.waitLimit) }
      guard ContinuousClock.now < deadline else { return false }
      try session.wait(until: .now + .milliseconds(1))
    }
  }
}
