package import AMQP

/// Looks at the messages of a dead-letter queue one after the other, drops those that are to be dropped, and gives the others back
/// as they came.
package struct DeadLetterScan {
  package enum Decision: Hashable, Sendable {
    case keep
    case drop
  }

  package static let channel: UInt16 = 1

  private let session: BrokerSession
  private let queue: String
  private let way: QueueReader.Way
  /// How many have been dropped, and how many looked at.
  package private(set) var droppedCount = 0
  package private(set) var seenCount = 0

  /// `session` has the channel open.
  package init(_ queue: String, on session: BrokerSession, by way: QueueReader.Way) {
    (self.queue, self.session, self.way) = (queue, session, way)
  }

  /// Looks at the first `depth` messages, as long as `wantsMore` says so. Of a body above the connection's
  /// `largestBodyInMemory`, `onPart` gets the parts before `visit` gets the message; `onTurn` is called now and then.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`; what is in hand goes back first
  package mutating func run(
    depth: Int, wantsMore: () -> Bool, onPart: (_ message: Delivery, _ part: [UInt8]) -> Void = { _, _ in },
    onTurn: (_ seenCount: Int) -> Void = { _ in }, visit: (Delivery) -> Decision
  ) throws {
    var held = HeldMessages(session, queue: queue, channel: Self.channel, takenBy: way)
    do {
      try look(depth: depth, wantsMore: wantsMore, onPart: onPart, onTurn: onTurn, visit: visit, held: &held)
    } catch {
      // For their order; they go back when the connection ends, too.
      if session.failure == nil { try? held.giveBack() }
      throw error
    }
    try held.giveBack()
    try session.closeChannel(Self.channel)
  }

  private mutating func look(
    depth: Int, wantsMore: () -> Bool, onPart: (Delivery, [UInt8]) -> Void, onTurn: (Int) -> Void,
    visit: (Delivery) -> Decision, held: inout HeldMessages
  ) throws {
    var reader = QueueReader(queue, count: depth, by: way, now: .now)
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
          reader.excuse(now: now)
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

  /// Not before the portion is complete that they belong to.
  private mutating func drop(_ tags: inout [UInt64], upTo last: UInt64) throws {
    let now = tags.prefix { $0 <= last }
    for tag in now { try session.send(.basicAck(deliveryTag: tag, multiple: false), on: Self.channel) }
    droppedCount += now.count
    tags.removeFirst(now.count)
  }

  private func send(_ methods: [Method]) throws {
    for method in methods { try session.send(method, on: Self.channel) }
  }
}
