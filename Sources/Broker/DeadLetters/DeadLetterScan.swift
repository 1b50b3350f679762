package import AMQP

/// Goes through the messages of a dead-letter queue, drops some of them, and requeues the others in their order.
package struct DeadLetterScan {
  package enum Decision: Hashable, Sendable {
    case keep
    case drop
  }

  package static let channel: UInt16 = 1

  private let session: BrokerSession
  private let queue: String
  private let mode: QueueReader.Mode
  /// The number of messages that were dropped.
  package private(set) var droppedCount = 0
  /// The number of messages that were looked at.
  package private(set) var seenCount = 0

  /// `session` must have the channel open.
  package init(_ queue: String, on session: BrokerSession, by mode: QueueReader.Mode) {
    (self.queue, self.session, self.mode) = (queue, session, mode)
  }

  /// Looks at the first `depth` messages while `wantsMore` is true, and calls `visit` for each. If a body is larger
  /// than the connection keeps in memory, `onPart` is called with its parts before. `onTurn` is called regularly.
  ///
  /// Throws after the messages in hand have been requeued.
  package mutating func run(
    depth: Int, wantsMore: () -> Bool, onPart: (_ message: Delivery, _ part: [UInt8]) -> Void = { _, _ in },
    onTurn: (_ seenCount: Int) -> Void = { _ in }, visit: (Delivery) -> Decision
  ) throws(SessionError) {
    var held = HeldMessages(session, queue: queue, channel: Self.channel, takenBy: mode)
    do {
      try visitAll(depth: depth, wantsMore: wantsMore, onPart: onPart, onTurn: onTurn, visit: visit, held: &held)
    } catch {
      // The end of the connection would also requeue the messages, but not in order.
      if session.failure == nil { try? held.requeue() }
      throw error
    }
    try held.requeue()
    try session.closeChannel(Self.channel)
  }

  private mutating func visitAll(
    depth: Int, wantsMore: () -> Bool, onPart: (Delivery, [UInt8]) -> Void, onTurn: (Int) -> Void,
    visit: (Delivery) -> Decision, held: inout HeldMessages
  ) throws(SessionError) {
    var reader = QueueReader(queue, count: depth, by: mode, now: .now)
    var toDrop: [UInt64] = []
    var announced: Delivery?
    while true {
      let isEnough = reader.isAtEnd || !wantsMore() && !held.isIncomplete
      if !isEnough { try send(reader.ask(room: .max, now: .now)) }
      try drop(&toDrop, upTo: reader.lastSettleableTag)
      onTurn(seenCount)
      if isEnough, reader.isIdle { return }
      try session.turn(until: reader.deadline ?? .now + BrokerSession.callLimit, with: nil)
      let now = ContinuousClock.now
      for event in session.takeEvents() {
        switch event {
        case .announced(Self.channel, let delivery): announced = delivery
        case .bodyPart(Self.channel, _, let part):
          reader.resetTimeouts(now: now)
          if let announced { onPart(announced, part) }
        case .delivered(Self.channel, let delivery):
          seenCount += 1
          if visit(delivery) == .drop {
            toDrop.append(delivery.envelope.deliveryTag)
          } else {
            held.hold(delivery)
          }
          try send(reader.received(delivery, now: now))
        case .method(Self.channel, let method): try send(reader.take(method, now: now))
        default: break
        }
      }
      try send(reader.tick(now: now))
    }
  }

  /// Drops messages, but only those that the reader says may be settled.
  private mutating func drop(_ tags: inout [UInt64], upTo last: UInt64) throws(SessionError) {
    let now = tags.prefix { $0 <= last }
    for tag in now { try session.send(.basicAck(deliveryTag: tag, multiple: false), on: Self.channel) }
    droppedCount += now.count
    tags.removeFirst(now.count)
  }

  private func send(_ methods: [Method]) throws(SessionError) {
    for method in methods { try session.send(method, on: Self.channel) }
  }
}
