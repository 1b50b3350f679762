internal import AMQP

/// Decides how messages are taken from the head of a queue, in portions and in their order, without any I/O.
///
/// A portion is what one consumer gets, whose prefetch count is the portion's size. It is cancelled when it has got that, and
/// before anything of it is settled, so it never gets more. Portions grow, unless their bodies are large: what a broker
/// delivers ahead it holds in memory.
package struct QueueReader {
  /// How messages are taken.
  package enum Way: Hashable, Sendable {
    /// By consumers, from a queue of that kind. Whoever takes from one that deletes itself with its last consumer must not.
    case consumers(WorkQueue.Kind)
    /// Each by a `basic.get`, so many questions at a time.
    case gets(atOnce: Int)
  }

  static let largestPortion = 512
  /// How many bytes a portion may have, as far as those before it let one guess.
  static let mostBytes = 4 << 20
  /// After how long without a message the broker is asked whether there are any.
  static let patience: Duration = .milliseconds(50)
  /// How many answers in a row have to say that there is none.
  private static let looksNeeded = 2

  private struct Portion {
    let size: Int
    /// Messages that came, and questions that were answered by none.
    var answeredCount = 0
    var receivedCount = 0
    var byteCount: UInt64 = 0
  }

  private let queue: ByteString
  private let isConsumer: Bool
  /// How many messages are still to be asked for.
  private var remaining: Int
  private var nextSize: Int
  private var number = 0
  private var portion: Portion?
  private var uncancelledCount = 0
  private var latestTag: UInt64 = 0
  private var latestEvent: ContinuousClock.Instant
  private var latestMessage: ContinuousClock.Instant
  private var isLooking = false
  private var emptyLooks = 0

  /// The first `count` messages are wanted.
  init(_ queue: String, count: Int, by way: Way, now: ContinuousClock.Instant) {
    self.queue = ByteString(queue)
    remaining = count
    (isConsumer, nextSize) =
      switch way {
      case .consumers: (true, 8)
      case .gets(let atOnce): (false, atOnce)
      }
    (latestEvent, latestMessage) = (now, now)
  }

  /// Nothing that was asked for is still to come.
  var isIdle: Bool { portion == nil && uncancelledCount == 0 }
  /// Everything that was wanted has come, or there is no more.
  var isAtEnd: Bool { remaining == 0 && portion == nil }
  /// Messages up to this delivery tag can be settled.
  private(set) var lastSettleableTag: UInt64 = 0

  // MARK: Asking

  /// What to send for the next portion; nothing while one is on its way, or where there is no room for so many messages.
  mutating func ask(room: Int, now: ContinuousClock.Instant) -> [Method] {
    let size = min(nextSize, remaining)
    guard portion == nil, size > 0, size <= room else { return [] }
    remaining -= size
    portion = Portion(size: size)
    (latestEvent, latestMessage, emptyLooks) = (now, now, 0)
    guard isConsumer else { return Array(repeating: .basicGet(queue: queue), count: size) }
    number += 1
    return [
      .basicQoS(prefetchCount: UInt16(size)),
      .basicConsume(queue: queue, consumerTag: consumerTag, arguments: FieldTable()),
    ]
  }

  /// Their order is that of the portions: by it a broker goes through what is given back of several at once.
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

  /// A message has come. What to send.
  mutating func received(_ delivery: Delivery, now: ContinuousClock.Instant) -> [Method] {
    latestTag = delivery.envelope.deliveryTag
    (latestEvent, latestMessage, emptyLooks) = (now, now, 0)
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
      let fitting = Int(clamping: UInt64(Self.mostBytes) / average)
      nextSize = max(1, min(portion.size * 2, Self.largestPortion, fitting))
    }
    return end()
  }

  /// Something else has come on the channel. What to send.
  /// - Throws: `BrokerSession.CallError`
  mutating func take(_ method: Method, now: ContinuousClock.Instant) throws -> [Method] {
    switch method {
    case .basicGetEmpty:
      remaining = 0
      guard var portion else { return [] }
      portion.answeredCount += 1
      self.portion = portion
      return portion.answeredCount == portion.size ? complete(portion) : []
    case .basicCancelOK: uncancelledCount -= 1
    case .queueDeclareOK(let status) where isLooking: return look(status, now: now)
    case .channelClose(let reason): throw BrokerSession.CallError.refused(reason)
    // The broker takes the consumer away, as it does with its queue.
    case .basicCancel: throw BrokerSession.CallError.unanswered
    default: break
    }
    return []
  }

  /// A part of a message has come, or nobody has looked for what may have come.
  mutating func excuse(now: ContinuousClock.Instant) { (latestEvent, latestMessage) = (now, now) }

  // MARK: The end

  /// When `tick` wants to be called.
  var deadline: ContinuousClock.Instant? {
    isConsumer && portion != nil ? latestEvent + Self.patience : nil
  }

  /// What to send where no message comes.
  /// - Throws: `BrokerSession.CallError`
  mutating func tick(now: ContinuousClock.Instant) throws -> [Method] {
    guard let deadline, now >= deadline else {
      guard !isIdle, now >= latestMessage + BrokerSession.callLimit else { return [] }
      throw BrokerSession.CallError.unanswered
    }
    guard now < latestMessage + BrokerSession.callLimit else { throw BrokerSession.CallError.unanswered }
    latestEvent = now
    guard !isLooking else { return [] }
    isLooking = true
    return [.queueDeclare(.init(name: queue, isPassive: true))]
  }

  /// That nothing is ready says little by itself: it may be on its way, and a quorum queue without a leader says so, too. There
  /// our own consumer is not among those that the answer counts.
  private mutating func look(_ status: Method.QueueStatus, now: ContinuousClock.Instant) -> [Method] {
    isLooking = false
    latestEvent = now
    guard portion != nil else { return [] }
    emptyLooks = status.messageCount == 0 && status.consumerCount > 0 ? emptyLooks + 1 : 0
    guard emptyLooks >= Self.looksNeeded else { return [] }
    remaining = 0
    return end()
  }
}
