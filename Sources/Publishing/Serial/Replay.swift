package import AMQP
package import Broker
internal import Linux

/// Moves dead letters back to their queue, where they count as new items. A copy of each dead letter is published on a
/// second connection, and the dead letter is acknowledged once the broker has confirmed the copy. At any moment a
/// message is therefore in one of the queues, or in both.
package final class Replay {
  package static let channel = DeadLetterScan.channel
  /// The maximum number of messages under way, and so of messages that may end up in both queues.
  package static let maxWindow = 1024
  /// The maximum size of all bodies that wait to be published. A single body may be larger.
  private static let maxWaitingByteCount: UInt64 = 4 << 20

  private let source: BrokerSession
  private let targetSession: BrokerSession
  private let names: WorkQueue
  private let mode: QueueReader.Mode
  private let onFlow: (String?) -> Void
  private let onTurn: (_ doneCount: Int) -> Void

  private var incomingBody: BodyCollector
  /// Whether the message whose body is arriving in parts is wanted.
  private var isAnnouncedWanted: Bool?
  /// The messages that stay in the queue.
  private var others: HeldMessages
  private var selectedCount = 0
  /// The error that stopped taking messages. Those that were taken before are still published.
  private var storingError: SystemError?

  private var replyQueues = ReplyQueues()

  package private(set) var movedCount = 0
  /// The number of messages whose copies have no `reply_to`, because its queue is gone.
  package private(set) var unawaitedCount = 0
  /// The number of messages that may be in both queues, because they were under way when the move failed.
  package private(set) var unknownCount = 0

  /// `source` must have the channel open. `target` is a second connection without a channel. A body that is too large
  /// for the memory limit of `source` is kept in a file in `directory` meanwhile.
  ///
  /// `onFlow` is called with the reason when the broker stops taking messages, and with nil when it takes them again.
  /// `onTurn` is called regularly with the number of messages that were moved or skipped.
  package init(
    _ queue: WorkQueue, from source: BrokerSession, by mode: QueueReader.Mode, through target: BrokerSession,
    spoolingIn directory: String, onFlow: @escaping (String?) -> Void, onTurn: @escaping (Int) -> Void = { _ in }
  ) {
    names = queue
    incomingBody = BodyCollector(directory: directory)
    others = HeldMessages(source, queue: queue.deadName, channel: Self.channel, takenBy: mode)
    self.source = source
    targetSession = target
    self.mode = mode
    self.onFlow = onFlow
    self.onTurn = onTurn
  }

  /// Looks at the first `depth` messages and moves those that `select` accepts, up to `limit` of them, while
  /// `wantsMore` is true. The other messages stay in the queue.
  package func run(
    depth: Int, limit: Int, wantsMore: () -> Bool = { true }, select: (Delivery) -> Bool
  ) throws(PublishError) {
    let target: ReplayTarget
    do { target = try ReplayTarget(names, on: targetSession, onFlow: onFlow) } catch { throw .session(error) }
    do { try move(depth: depth, limit: limit, wantsMore: wantsMore, select: select, to: target) } catch {
      target.stop(.session(error))
    }
    do { try end(target) } catch { target.stop(.session(error)) }
    if let error = target.error ?? storingError.map(PublishError.body) { throw error }
    do { try source.closeChannel(Self.channel) } catch { throw .session(error) }
  }

  /// Settles the remaining messages. A message whose copy is confirmed is acknowledged; the others are requeued.
  private func end(_ target: ReplayTarget) throws(SessionError) {
    unknownCount = target.unknownCount(isSourceLost: source.failure != nil)
    guard source.failure == nil else { return }
    source.isPaused = false
    let (confirmed, staying) = target.takeAll()
    try ack(confirmed, withAllBefore: false)
    others.hold(staying)
    try others.requeue()
  }

  // MARK: Moving

  private var window: Int {
    switch mode {
    case .consumers: Self.maxWindow
    case .gets(let atOnce): atOnce
    }
  }

  private func move(
    depth: Int, limit: Int, wantsMore: () -> Bool, select: (Delivery) -> Bool, to target: ReplayTarget
  ) throws(SessionError) {
    var reader = QueueReader(names.deadName, count: depth, by: mode, now: .now)
    while true {
      target.publish()
      let settled = target.takeSettled(upTo: reader.lastSettleableTag)
      try ack(settled, withAllBefore: others.isEmpty && !target.transfers.hasRefusals)
      let isMissing = selectedCount < limit && wantsMore()
      let takesMore = target.error == nil && storingError == nil && (isMissing || others.isIncomplete)
      if takesMore { try send(reader.ask(room: window - target.count, now: .now)) }
      onTurn(movedCount + others.count)
      guard takesMore && !reader.isAtEnd || !(reader.isIdle && target.isIdle) else { return }

      source.isPaused = target.error == nil && target.waitingByteCount > Self.maxWaitingByteCount
      let now = ContinuousClock.now
      if source.isPaused { reader.resetTimeouts(now: now) }
      try wait(until: [reader.deadline, now + .seconds(1)].compactMap(\.self).min(), target)
      try takeMessages(&reader, limit: limit, select: select, to: target)
      target.takeAnswers()
    }
  }

  private func wait(until deadline: ContinuousClock.Instant?, _ target: ReplayTarget) throws(SessionError) {
    do {
      try source.turn(until: deadline, with: target.awaited)
    } catch  where source.failure == nil && targetSession.failure != nil {
      target.lose(.session(error))
    }
  }

  private func takeMessages(
    _ reader: inout QueueReader, limit: Int, select: (Delivery) -> Bool, to target: ReplayTarget
  ) throws(SessionError) {
    let now = ContinuousClock.now
    for event in source.takeEvents() {
      switch event {
      case .announced(Self.channel, let delivery): isAnnouncedWanted = selectedCount < limit && select(delivery)
      case .bodyPart(Self.channel, let size, let part):
        reader.resetTimeouts(now: now)
        // After an error the remaining parts are ignored as they arrive.
        if isAnnouncedWanted == true, target.error == nil, storingError == nil {
          do { try incomingBody.append(part, of: size) } catch { storingError = error }
        }
      case .delivered(Self.channel, let delivery):
        try take(delivery, isWanted: isAnnouncedWanted ?? (selectedCount < limit && select(delivery)), to: target)
        isAnnouncedWanted = nil
        try send(reader.received(delivery, now: now))
      case .method(Self.channel, let method): try send(reader.take(method, now: now))
      default: break
      }
    }
    try send(reader.tick(now: now))
  }

  private func take(_ delivery: Delivery, isWanted: Bool, to target: ReplayTarget) throws(SessionError) {
    guard isWanted, target.error == nil, storingError == nil, let body = incomingBody.body(of: delivery) else {
      incomingBody.discard()
      return others.hold(delivery)
    }
    selectedCount += 1
    target.add(.init(delivery: try withoutLostReply(delivery), body: body))
  }

  /// A result that no queue takes is a failed attempt, so the item would fail for ever.
  private func withoutLostReply(_ delivery: Delivery) throws(SessionError) -> Delivery {
    guard let queue = delivery.properties.replyTo, !queue.isEmpty, try replyQueues.isGone(queue, source) else {
      return delivery
    }
    unawaitedCount += 1
    var delivery = delivery
    delivery.properties.replyTo = nil
    return delivery
  }

  // MARK: Settling

  private func ack(_ tags: [UInt64], withAllBefore: Bool) throws(SessionError) {
    guard let last = tags.last else { return }
    if withAllBefore {
      try source.send(.basicAck(deliveryTag: last, multiple: true), on: Self.channel)
    } else {
      for tag in tags { try source.send(.basicAck(deliveryTag: tag, multiple: false), on: Self.channel) }
    }
    movedCount += tags.count
  }

  private func send(_ methods: [Method]) throws(SessionError) {
    for method in methods { try source.send(method, on: Self.channel) }
  }
}
