public import AMQP

/// Messages that were taken from a queue one by one (`basic.get`), and are to go back as they came.
public struct HeldMessages {
  /// A quorum queue's channel has 32 of its commands under way at most. What is given back beyond that loses its
  /// order, and so does what is still held when the channel ends: each message is a command of its own.
  private static let mostAtOnce = 16
  /// How long to wait for some to be in the queue again. Others may take them from there at once.
  private static let waitLimit: Duration = .seconds(1)

  private let session: BrokerSession
  private let queue: String
  private let channel: UInt16
  /// Delivery tags, in the queue's order.
  private var tags: [UInt64] = []
  /// Whether others that were given back once may follow in the queue. A quorum queue hands those out before all that
  /// were not, and puts what is given back behind them: so they have to be held, too, if the order is to stay.
  public private(set) var isIncomplete = false

  public init(_ session: BrokerSession, queue: String, channel: UInt16) {
    self.session = session
    self.queue = queue
    self.channel = channel
  }

  /// - Precondition: Every other message that came before on the channel has been settled, or is held.
  public mutating func hold(_ delivery: Delivery) {
    tags.append(delivery.envelope.deliveryTag)
    isIncomplete = delivery.envelope.isRedelivered
  }

  /// Gives all of them back, in their order, to the place that they came from.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`
  public mutating func giveBack() throws {
    guard !tags.isEmpty else { return }
    var ready = UInt64(try session.queueStatus(queue, on: channel).messageCount)
    var isWaiting = true
    while let last = tags.prefix(Self.mostAtOnce).last {
      // Of the ways to give back, this alone does not raise what RabbitMQ 4.3 holds against its limit.
      try session.send(.basicNack(deliveryTag: last, multiple: true, requeue: true), on: channel)
      ready += UInt64(tags.prefix(Self.mostAtOnce).count)
      tags.removeFirst(min(Self.mostAtOnce, tags.count))
      if isWaiting { isWaiting = try waitUntilBack(ready) }
    }
  }

  /// False where that many do not come to be there.
  private func waitUntilBack(_ count: UInt64) throws -> Bool {
    let deadline = ContinuousClock.now + Self.waitLimit
    while UInt64(try session.queueStatus(queue, on: channel).messageCount) < count {
      guard ContinuousClock.now < deadline else { return false }
      try session.wait(until: .now + .milliseconds(1))
    }
    return true
  }
}
