package import AMQP

/// Moves dead letters into a queue, to be worked on as if they were new. Each is published on a connection of its
/// own, and acked when the broker has confirmed that: so at any instant it is in one of the queues, or in both.
package final class Replay {
  package static let channel = DeadLetterScan.channel
  /// The most messages that are under way, and so the most that may be in both queues in the end.
  package static let window = 1024
  /// How many bytes of bodies may wait to be published before no more is taken, unless it is a single one.
  private static let mostWaitingBytes: UInt64 = 4 << 20

  /// A message that has been taken.
  private struct Letter {
    let delivery: Delivery
    let body: ItemBody
  }

  private let source: BrokerSession
  private let target: BrokerSession
  private let names: WorkQueue
  private let way: QueueReader.Way
  private let onFlow: (String?) -> Void
  private let onTurn: (_ doneCount: Int) -> Void

  private let directory: String
  private var spool: BodySpool
  private var waiting: ArraySlice<Letter> = []
  private var waitingBytes: UInt64 = 0
  private var transfers = Transfers()
  private var others: HeldMessages
  private var selectedCount = 0
  /// Why nothing more is published. What has been is awaited all the same.
  private var obstacle: (any Error)?
  /// Why no more is taken. What was taken before is published all the same.
  private var storingError: (any Error)?
  /// Nothing more will be known of what has been published.
  private var isTargetSilent = false
  private var hasReturns = false
  /// The broker closed the channel over one of them.
  private var isOneRefused = false
  /// Whether an item is wanted whose body is on its way in parts.
  private var isAnnouncedWanted: Bool?
  private var latestAnswer = ContinuousClock.now

  package private(set) var movedCount = 0
  /// Of those that were under way when it failed nothing is known: so many may be in both queues.
  package private(set) var unknownCount = 0

  /// `source` has the channel open; `target` is a connection of its own, without a channel. What is larger than `source` keeps
  /// in memory is kept in a file in `directory` meanwhile. `onFlow` is told why the broker stops to take messages, and nil
  /// when it goes on; `onTurn` now and then, how many it has moved or passed over.
  package init(
    _ queue: WorkQueue, from source: BrokerSession, by way: QueueReader.Way, through target: BrokerSession,
    spoolingIn directory: String, onFlow: @escaping (String?) -> Void, onTurn: @escaping (Int) -> Void = { _ in }
  ) {
    names = queue
    self.directory = directory
    spool = BodySpool(directory: directory)
    others = HeldMessages(source, queue: queue.deadName, channel: Self.channel, takenBy: way)
    self.source = source
    self.target = target
    self.way = way
    self.onFlow = onFlow
    self.onTurn = onTurn
  }

  /// Moves those of the first `depth` messages that `select` says, `limit` of them at most, as long as `wantsMore` says so. The
  /// others stay.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`, `Publisher.Refusal`, `AMQPError.doesNotFitFrame`; `SystemError`
  ///   where an item cannot be kept in a file
  package func run(
    depth: Int, limit: Int, wantsMore: () -> Bool = { true }, select: (Delivery) -> Bool
  ) throws {
    let publisher = try Publisher(target, queue: names.name, onFlow: onFlow)
    do { try move(depth: depth, limit: limit, wantsMore: wantsMore, select: select, by: publisher) } catch {
      stop(error)
    }
    do { try end(publisher) } catch { stop(error) }
    if let error = obstacle ?? storingError { throw error }
    try source.closeChannel(Self.channel)
  }

  /// Settles what is left: what is in the queue is acked, and the rest given back.
  private func end(_ publisher: Publisher) throws {
    let possibleCount = source.failure == nil ? transfers.openCount : transfers.possibleCount
    unknownCount = max(0, possibleCount - (publisher.isSending || isOneRefused ? 1 : 0))
    guard source.failure == nil else { return }
    source.isPaused = false
    let (confirmed, staying) = transfers.takeAll()
    try ack(confirmed, withAllBefore: false)
    others.hold(staying + waiting.map(\.delivery.envelope.deliveryTag))
    try others.giveBack()
  }

  // MARK: Moving

  private var window: Int {
    switch way {
    case .consumers: Self.window
    case .gets(let atOnce): atOnce
    }
  }

  private func move(
    depth: Int, limit: Int, wantsMore: () -> Bool, select: (Delivery) -> Bool, by publisher: Publisher
  ) throws {
    var reader = QueueReader(names.deadName, count: depth, by: way, now: .now)
    while true {
      publish(by: publisher)
      let settled = transfers.takeSettled(upTo: reader.lastSettleableTag)
      try ack(settled, withAllBefore: others.isEmpty && !transfers.hasRefusals)
      let isMissing = selectedCount < limit && wantsMore()
      let takesMore = obstacle == nil && storingError == nil && (isMissing || others.isIncomplete)
      if takesMore { try send(reader.ask(room: window - transfers.count - waiting.count, now: .now)) }
      onTurn(movedCount + others.count)
      guard takesMore && !reader.isAtEnd || !isIdle(reader) else { return }

      source.isPaused = obstacle == nil && waitingBytes > Self.mostWaitingBytes
      let now = ContinuousClock.now
      if source.isPaused { reader.excuse(now: now) }
      try wait(until: [reader.deadline, now + .seconds(1)].compactMap(\.self).min())
      try takeFromSource(&reader, limit: limit, select: select)
      takeFromTarget(publisher)
    }
  }

  /// Nothing is under way.
  private func isIdle(_ reader: QueueReader) -> Bool {
    guard reader.isIdle else { return false }
    return (isTargetSilent || transfers.openCount == 0) && (obstacle != nil || waiting.isEmpty)
  }

  private func wait(until deadline: ContinuousClock.Instant?) throws {
    do {
      try source.turn(until: deadline, with: isTargetSilent ? nil : target)
    } catch  where source.failure == nil && target.failure != nil {
      stop(error)
      isTargetSilent = true
    }
  }

  /// The first obstacle counts.
  private func stop(_ error: any Error) { obstacle = obstacle ?? error }

  private func takeFromSource(_ reader: inout QueueReader, limit: Int, select: (Delivery) -> Bool) throws {
    let now = ContinuousClock.now
    for event in source.takeEvents() {
      switch event {
      case .announced(Self.channel, let delivery): isAnnouncedWanted = selectedCount < limit && select(delivery)
      case .bodyPart(Self.channel, let size, let part):
        reader.excuse(now: now)
        // The rest comes all the same, and is let go.
        if isAnnouncedWanted == true, obstacle == nil, storingError == nil {
          do { try spool.append(part, of: size) } catch { storingError = error }
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
    guard isWanted, obstacle == nil, storingError == nil, let body = spool.body(of: delivery) else {
      // What may be stored of it is not needed.
      spool = BodySpool(directory: directory)
      return others.hold(delivery)
    }
    selectedCount += 1
    waiting.append(Letter(delivery: delivery, body: body))
    waitingBytes += body.size
  }

  private func takeFromTarget(_ publisher: Publisher) {
    let now = ContinuousClock.now
    for event in target.takeEvents() {
      let answer = publisher.answer(event)
      if answer != nil { latestAnswer = now }
      switch answer {
      // After a return no confirmation tells which messages it is about.
      case .confirmed(let number, let isMultiple) where !hasReturns:
        transfers.confirm(number, multiple: isMultiple)
      case .confirmed(let number, let isMultiple), .rejected(let number, let isMultiple):
        transfers.refuse(number, multiple: isMultiple)
        stop(Publisher.Refusal.rejected)
      case .returned:
        hasReturns = true
        stop(Publisher.Refusal.unroutable)
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

  private func publish(by publisher: Publisher) {
    guard !isTargetSilent else { return }
    do {
      try publisher.advance()
      while obstacle == nil, publisher.isReady, let letter = waiting.first {
        try publisher.begin(letter.body, properties(of: letter.delivery))
        waiting.removeFirst()
        waitingBytes -= letter.body.size
        if waiting.isEmpty { waiting = [] }
        transfers.add(tag: letter.delivery.envelope.deliveryTag)
      }
    } catch AMQPError.doesNotFitFrame(let what) {
      stop(AMQPError.doesNotFitFrame(what))
    } catch {
      // Of a message that is there in part, the rest cannot follow, nor another one.
      isTargetSilent = true
      stop(error)
    }
  }

  private func properties(of delivery: Delivery) -> BasicProperties {
    let first = FirstPublish.recorded(in: delivery.properties, delivery.envelope, from: names)
    var properties = delivery.properties.withoutBrokerHeaders().withoutItemHeaders()
    properties.deliveryMode = 2
    properties.expiration = nil
    // A broker refuses another user's id.
    properties.userID = nil
    if let first { properties.headers = FieldTable((properties.headers?.entries ?? []) + first.headers) }
    return properties
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
