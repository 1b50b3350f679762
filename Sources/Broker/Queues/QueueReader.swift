package import AMQP

/// Decides how messages are taken from the head of a queue, in portions and in order, without any I/O.
///
/// Each portion has a consumer of its own, whose prefetch count is the size of the portion. The consumer is cancelled
/// when it has received the portion and before any message of it is settled, so it never receives more. Portions grow
/// unless bodies are large, because the broker keeps prefetched messages in memory.
package struct QueueReader {
  /// How messages are taken.
  package enum Mode: Hashable, Sendable {
    /// Consumers take messages from a queue of this kind. This must not be used for an auto-delete queue, which
    /// disappears with its last consumer.
    case consumers(WorkQueue.Kind)
    /// Each `basic.get` takes one message. This many of them are sent at once.
    case gets(atOnce: Int)
  }

  static let maxPortionSize = 512
  /// The maximum size of a portion in bytes. It is estimated from the average size of the bodies before.
  static let maxPortionByteCount = 4 << 20
  /// The time without a message after which the queue is probed.
  static let probeDelay: Duration = .milliseconds(50)
  /// The number of successive probes that must find the queue empty.
  private static let requiredProbes = 2

  private struct Portion {
    let size: Int
    /// The number of messages and of empty answers.
    var answeredCount = 0
    var receivedCount = 0
    var byteCount: UInt64 = 0
  }

  private let queue: ByteString
  private let isConsumer: Bool
  /// The number of messages that have not been asked for yet.
  private var remaining: Int
  private var nextSize: Int
  private var number = 0
  private var portion: Portion?
  private var uncancelledCount = 0
  private var latestTag: UInt64 = 0
  private var latestEvent: ContinuousClock.Instant
  private var latestMessage: ContinuousClock.Instant
  private var isProbing = false
  private var emptyProbes = 0

  /// Takes the first `count` messages.
  package init(_ queue: String, count: Int, by mode: Mode, now: ContinuousClock.Instant) {
    self.queue = ByteString(queue)
    remaining = count
    (isConsumer, nextSize) =
      switch mode {
      case .consumers: (true, 8)
      case .gets(let atOnce): (false, atOnce)
      }
    (latestEvent, latestMessage) = (now, now)
  }

  /// Whether nothing more will arrive.
  package var isIdle: Bool { portion == nil && uncancelledCount == 0 }
  /// Whether all wanted messages have arrived, or the queue is empty.
  package var isAtEnd: Bool { remaining == 0 && portion == nil }
  /// The messages up to this delivery tag may be settled.
  package private(set) var lastSettleableTag: UInt64 = 0

  // MARK: Asking

  /// Asks for the next portion, unless one is under way or there is no room for it. Returns the methods to send.
  package mutating func ask(room: Int, now: ContinuousClock.Instant) -> [Method] {
    let size = min(nextSize, remaining)
    guard portion == nil, size > 0, size <= room else { return [] }
    remaining -= size
    portion = Portion(size: size)
    (latestEvent, latestMessage, emptyProbes) = (now, now, 0)
    guard isConsumer else { return Array(repeating: .basicGet(queue: queue), count: size) }
    number += 1
    return [
      .basicQoS(prefetchCount: UInt16(size)),
      .basicConsume(queue: queue, consumerTag: consumerTag, arguments: FieldTable()),
    ]
  }

  /// The tags sort in the order of the portions, because a broker uses the order of the tags when messages of several
  /// consumers are requeued at once.
  private var consumerTag: ByteString {
    let digits = "\(number)"
    return ByteString("portion-" + String(repeating: "0", count: max(0, 10 - digits.count)) + digits)
  }

  private mutating func end() -> [Method] {
    portion = nil
    lastSettleableTag = latestTag
    guard isConsumer else { return [] }
    uncancelledCount += 1
    return [.basicCancel(consumerTag: consumerTag)]
  }

  // MARK: Events

  /// Takes a message. Returns the methods to send.
  package mutating func received(_ delivery: Delivery, now: ContinuousClock.Instant) -> [Method] {
    latestTag = delivery.envelope.deliveryTag
    (latestEvent, latestMessage, emptyProbes) = (now, now, 0)
    guard var portion else {
      lastSettleableTag = latestTag
      return []
    }
    portion.answeredCount += 1
    portion.receivedCount += 1
    portion.byteCount += delivery.bodySize
    self.portion = portion
    if !isConsumer { lastSettleableTag = latestTag }
    return portion.answeredCount == portion.size ? complete(portion) : []
  }

  private mutating func complete(_ portion: Portion) -> [Method] {
    if isConsumer, portion.receivedCount > 0 {
      let average = max(1, portion.byteCount / UInt64(portion.receivedCount))
      let fitting = Int(clamping: UInt64(Self.maxPortionByteCount) / average)
      nextSize = max(1, min(portion.size * 2, Self.maxPortionSize, fitting))
    }
    return end()
  }

  /// Takes a method that is not a message. Returns the methods to send.
  package mutating func take(
    _ method: Method, now: ContinuousClock.Instant
  ) throws(SessionError) -> [Method] {
    switch method {
    case .basicGetEmpty:
      remaining = 0
      guard var portion else { return [] }
      portion.answeredCount += 1
      self.portion = portion
      return portion.answeredCount == portion.size ? complete(portion) : []
    case .basicCancelOK: uncancelledCount -= 1
    case .queueDeclareOK(let status) where isProbing: return probed(status, now: now)
    case .channelClose(let reason): throw .refused(reason)
    // The broker cancels a consumer when its queue is deleted.
    case .basicCancel: throw .unanswered
    default: break
    }
    return []
  }

  /// Restarts the time limits, because a part of a message has arrived or the caller was not reading.
  package mutating func resetTimeouts(now: ContinuousClock.Instant) { (latestEvent, latestMessage) = (now, now) }

  // MARK: The end

  /// The time for the next `tick`.
  package var deadline: ContinuousClock.Instant? {
    isConsumer && portion != nil ? latestEvent + Self.probeDelay : nil
  }

  /// Probes the queue if no message has arrived for a while. Returns the methods to send.
  package mutating func tick(now: ContinuousClock.Instant) throws(SessionError) -> [Method] {
    guard let deadline, now >= deadline else {
      guard !isIdle, now >= latestMessage + BrokerSession.callLimit else { return [] }
      throw .unanswered
    }
    guard now < latestMessage + BrokerSession.callLimit else { throw .unanswered }
    latestEvent = now
    guard !isProbing else { return [] }
    isProbing = true
    return [.queueDeclare(.init(name: queue, isPassive: true))]
  }

  /// Takes the answer to a probe. An empty queue alone proves little: messages may be on their way to the consumer, and
  /// a quorum queue without a leader reports no messages either. But that report does not count our own consumer.
  private mutating func probed(_ status: Method.QueueStatus, now: ContinuousClock.Instant) -> [Method] {
    isProbing = false
    latestEvent = now
    guard portion != nil else { return [] }
    emptyProbes = status.messageCount == 0 && status.consumerCount > 0 ? emptyProbes + 1 : 0
    guard emptyProbes >= Self.requiredProbes else { return [] }
    remaining = 0
    return end()
  }
}
