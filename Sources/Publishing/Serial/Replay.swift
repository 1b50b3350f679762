package import AMQP
package import Broker

/// Moves dead letters back to their queue, where they count as new items. A copy of each dead letter is published on a second
/// connection, and the dead letter is acknowledged once the broker has confirmed the copy. At any moment a message is therefore
/// in one of the queues, or in both.
package final class Replay {
  package static let channel = DeadLetterScan.channel
  /// The maximum number of messages under way, and so of messages that may end up in both queues.
  package static let maxWindow = 1024
  /// The maximum size of all bodies that wait to be published. A single body may be larger.
  private static let maxWaitingBytes: UInt64 = 4 << 20

  /// A message that was delivered and is to be moved.
  private struct Letter {
    let delivery: Delivery
    let body: ReceivedBody
  }

  private let source: BrokerSession
  private let target: BrokerSession
  private let names: WorkQueue
  private let mode: QueueReader.Mode
  private let onFlow: (String?) -> Void
  private let onTurn: (_ doneCount: Int) -> Void

  private let directory: String
  private var incomingBody: BodyCollector
  private var waiting: ArraySlice<Letter> = []
  private var waitingBytes: UInt64 = 0
  private var transfers = Transfers()
  private var others: HeldMessages
  private var selectedCount = 0
  /// The error that stopped publishing. Confirmations are still awaited.
  private var publishingError: (any Error)?
  /// The error that stopped taking messages. Those that were taken before are still published.
  private var storingError: (any Error)?
  /// Whether no more confirmations will come.
  private var isTargetSilent = false
  private var hasReturns = false
  /// Whether the broker closed the channel because of one message.
  private var isOneRefused = false
  /// Whether the message whose body is arriving in parts is wanted.
  private var isAnnouncedWanted: Bool?
  private var latestAnswer = ContinuousClock.now

  package private(set) var movedCount = 0
  /// The number of messages that may be in both queues, because they were under way when the move failed.
  package private(set) var unknownCount = 0

  /// `source` must have the channel open. `target` is a second connection without a channel. A body that is too large for the
  /// memory limit of `source` is kept in a file in `directory` meanwhile. `onFlow` is called with the reason when the broker stops taking
  /// messages, and with nil when it takes them again. `onTurn` is called regularly with the number of messages that were moved
  /// or skipped.
  package init(
    _ queue: WorkQueue, from source: BrokerSession, by mode: QueueReader.Mode, through target: BrokerSession,
    spoolingIn directory: String, onFlow: @escaping (String?) -> Void, onTurn: @escaping (Int) -> Void = { _ in }
  ) {
    names = queue
    self.directory = directory
    incomingBody = BodyCollector(directory: directory)
    others = HeldMessages(source, queue: queue.deadName, channel: Self.channel, takenBy: mode)
    self.source = source
    self.target = target
    self.mode = mode
    self.onFlow = onFlow
    self.onTurn = onTurn
  }

  /// Looks at the first `depth` messages and moves those that `select` accepts, up to `limit` of them, while `wantsMore` is
  /// true. The other messages stay in the queue.
  ///
  /// Throws `BrokerFailure`, `BrokerSession.CallError`, `PublishRefusal` or `AMQPError.doesNotFitFrame`, and `SystemError`
  /// if a body cannot be kept in a file.
  package func run(
    depth: Int, limit: Int, wantsMore: () -> Bool = { true }, select: (Delivery) -> Bool
  ) throws {
    let publisher = try SerialPublisher(target, queue: names.name, onFlow: onFlow)
    do { try move(depth: depth, limit: limit, wantsMore: wantsMore, select: select, by: publisher) } catch {
      stop(error)
    }
    do { try end(publisher) } catch { stop(error) }
    if let error = publishingError ?? storingError { throw error }
    try source.closeChannel(Self.channel)
  }

  /// Settles the remaining messages. A message whose copy is confirmed is acknowledged; the others are requeued.
  private func end(_ publisher: SerialPublisher) throws {
    let possibleCount = source.failure == nil ? transfers.openCount : transfers.possibleCount
    unknownCount = max(0, possibleCount - (publisher.isSending || isOneRefused ? 1 : 0))
    guard source.failure == nil else { return }
    source.isPaused = false
    let (confirmed, staying) = transfers.takeAll()
    try ack(confirmed, withAllBefore: false)
    others.hold(staying + waiting.map(\.delivery.envelope.deliveryTag))
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
    depth: Int, limit: Int, wantsMore: () -> Bool, select: (Delivery) -> Bool, by publisher: SerialPublisher
  ) throws {
    var reader = QueueReader(names.deadName, count: depth, by: mode, now: .now)
    while true {
      publish(by: publisher)
      let settled = transfers.takeSettled(upTo: reader.lastSettleableTag)
      try ack(settled, withAllBefore: others.isEmpty && !transfers.hasRefusals)
      let isMissing = selectedCount < limit && wantsMore()
      let takesMore = publishingError == nil && storingError == nil && (isMissing || others.isIncomplete)
      if takesMore { try send(reader.ask(room: window - transfers.count - waiting.count, now: .now)) }
      onTurn(movedCount + others.count)
      guard takesMore && !reader.isAtEnd || !isIdle(reader) else { return }

      source.isPaused = publishingError == nil && waitingBytes > Self.maxWaitingBytes
      let now = ContinuousClock.now
      if source.isPaused { reader.resetTimeouts(now: now) }
      try wait(until: [reader.deadline, now + .seconds(1)].compactMap(\.self).min())
      try takeFromSource(&reader, limit: limit, select: select)
      takeFromTarget(publisher)
    }
  }

  /// Whether nothing is under way.
  private func isIdle(_ reader: QueueReader) -> Bool {
    guard reader.isIdle else { return false }
    return (isTargetSilent || transfers.openCount == 0) && (publishingError != nil || waiting.isEmpty)
  }

  private func wait(until deadline: ContinuousClock.Instant?) throws {
    do {
      try source.turn(until: deadline, with: isTargetSilent ? nil : target)
    } catch  where source.failure == nil && target.failure != nil {
      stop(error)
      isTargetSilent = true
    }
  }

  /// Stops publishing. The first error counts.
  private func stop(_ error: any Error) { publishingError = publishingError ?? error }

  private func takeFromSource(_ reader: inout QueueReader, limit: Int, select: (Delivery) -> Bool) throws {
    let now = ContinuousClock.now
    for event in source.takeEvents() {
      switch event {
      case .announced(Self.channel, let delivery): isAnnouncedWanted = selectedCount < limit && select(delivery)
      case .bodyPart(Self.channel, let size, let part):
        reader.resetTimeouts(now: now)
        // After an error the remaining parts are ignored as they arrive.
        if isAnnouncedWanted == true, publishingError == nil, storingError == nil {
          do { try incomingBody.append(part, of: size) } catch { storingError = error }
        }
      case .delivered(Self.channel, let delivery):
        take(delivery, isWanted: isAnnouncedWanted ?? (selectedCount < limit && select(delivery)))
        isAnnouncedWanted = nil
        try send(reader.received(delivery, now: now))
      case .method(Self.channel, let method): try send(reader.take(method, now: now))
      default: break
      }
    }
    try send(reader.tick(now: now))
  }

  private func take(_ delivery: Delivery, isWanted: Bool) {
    guard isWanted, publishingError == nil, storingError == nil, let body = incomingBody.body(of: delivery) else {
      // A partly stored body is not needed any more.
      incomingBody = BodyCollector(directory: directory)
      return others.hold(delivery)
    }
    selectedCount += 1
    waiting.append(Letter(delivery: delivery, body: body))
    waitingBytes += body.size
  }

  private func takeFromTarget(_ publisher: SerialPublisher) {
    let now = ContinuousClock.now
    for event in target.takeEvents() {
      let answer = publisher.answer(event)
      if answer != nil { latestAnswer = now }
      switch answer {
      // After a return it is unknown which of the next confirmations belongs to the returned message.
      case .confirmed(let number, let isMultiple) where !hasReturns:
        transfers.confirm(number, multiple: isMultiple)
      case .confirmed(let number, let isMultiple), .rejected(let number, let isMultiple):
        transfers.refuse(number, multiple: isMultiple)
        stop(PublishRefusal.rejected)
      case .returned:
        hasReturns = true
        stop(PublishRefusal.unroutable)
      case .closed(let reason):
        isOneRefused = reason.refusal != .trouble
        isTargetSilent = true
        stop(BrokerSession.CallError.refused(reason))
      case nil: break
      }
    }
    guard transfers.openCount > 0, publisher.isReady, !publisher.isBlocked else { return latestAnswer = now }
    if now >= latestAnswer + BrokerSession.callLimit {
      isTargetSilent = true
      stop(BrokerSession.CallError.unanswered)
    }
  }

  // MARK: Sending

  private func publish(by publisher: SerialPublisher) {
    guard !isTargetSilent else { return }
    do {
      try publisher.advance()
      while publishingError == nil, publisher.isReady, let letter = waiting.first {
        try publisher.begin(letter.body, properties(of: letter.delivery))
        waiting.removeFirst()
        waitingBytes -= letter.body.size
        if waiting.isEmpty { waiting = [] }
        transfers.add(tag: letter.delivery.envelope.deliveryTag)
      }
    } catch AMQPError.doesNotFitFrame(let what) {
      stop(AMQPError.doesNotFitFrame(what))
    } catch {
      // A message was sent in part, so neither its rest nor another message can follow.
      isTargetSilent = true
      stop(error)
    }
  }

  private func properties(of delivery: Delivery) -> BasicProperties {
    let first = FirstPublish.recorded(in: delivery.properties, delivery.envelope, from: names)
    var copy = delivery.properties.copied(adding: first?.headers ?? [])
    copy.expiration = nil
    return copy
  }

  private func ack(_ tags: [UInt64], withAllBefore: Bool) throws {
    guard let last = tags.last else { return }
    if withAllBefore {
      try source.send(.basicAck(deliveryTag: last, multiple: true), on: Self.channel)
    } else {
      for tag in tags { try source.send(.basicAck(deliveryTag: tag, multiple: false), on: Self.channel) }
    }
    movedCount += tags.count
  }

  private func send(_ methods: [Method]) throws {
    for method in methods { try source.send(method, on: Self.channel) }
  }
}
