import AMQP

/// Moves dead letters into a queue, to be worked on as if they were new. Each is published on a connection of its
/// own, and acked when the broker has confirmed that: so at any instant it is in one of the queues, or in both.
public final class Replay {
  public enum Refusal: Error, Hashable, Sendable {
    /// The queue that they go to is not there any more.
    case unroutable
    /// The queue that they go to is full, or in trouble.
    case rejected
  }

  public static let channel: UInt16 = 1

  private let source: BrokerSession
  private let target: BrokerSession
  private let names: WorkQueue
  private let onFlow: (String?) -> Void

  public private(set) var movedCount = 0
  /// Of the one that was under way when it failed nothing is known: it may be in both queues.
  public private(set) var isOneUnknown = false
  /// The message ids that were asked for, and not met yet.
  public private(set) var missingIDs: Set<String> = []

  /// `source` has the channel open; `target` is a connection of its own, without a channel. `onFlow` is told why the broker stops to
  /// take messages, and nil when it goes on.
  public init(
    _ queue: WorkQueue, from source: BrokerSession, through target: BrokerSession, onFlow: @escaping (String?) -> Void
  ) {
    names = queue
    self.source = source
    self.target = target
    self.onFlow = onFlow
  }

  /// Moves those that are there now, which are `depth`, and `limit` of them at most; with `ids`, only those of them.
  /// The others stay.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`, `Refusal`, `AMQPError.doesNotFitFrame`
  public func run(depth: Int, limit: Int, ids: Set<String>) throws {
    missingIDs = ids
    try target.openChannel(Self.channel)
    _ = try target.queueStatus(names.name, on: Self.channel)
    _ = try target.call(.confirmSelect, on: Self.channel) { $0 == .confirmSelectOK ? true : nil }

    var others = HeldMessages(source, queue: names.deadName, channel: Self.channel)
    do {
      try move(depth: depth, limit: limit, ids: ids, others: &others)
      try others.giveBack()
    } catch {
      // For their order; they go back when the connection ends, too.
      try? others.giveBack()
      throw error
    }
    try source.closeChannel(Self.channel)
  }

  private func move(depth: Int, limit: Int, ids: Set<String>, others: inout HeldMessages) throws {
    for _ in 0..<depth where movedCount < limit || others.isIncomplete {
      guard let delivery = try source.get(from: names.deadName, on: Self.channel) else { return }
      let id = delivery.properties.messageID?.description
      guard movedCount < limit, ids.isEmpty || id.map(ids.contains) == true else {
        others.hold(delivery)
        continue
      }
      do {
        try publish(delivery)
      } catch {
        others.hold(delivery)
        throw error
      }
      try source.send(.basicAck(deliveryTag: delivery.envelope.deliveryTag, multiple: false), on: Self.channel)
      movedCount += 1
      if let id { missingIDs.remove(id) }
    }
  }

  private func publish(_ delivery: Delivery) throws {
    var properties = delivery.properties.withoutBrokerHeaders().withoutItemHeaders()
    properties.deliveryMode = 2
    properties.expiration = nil
    // A broker refuses another user's id.
    properties.userID = nil
    try target.publish(
      .basicPublish(exchange: "", routingKey: ByteString(names.name), mandatory: true), properties: properties,
      body: delivery.body, on: Self.channel)
    isOneUnknown = true
    try waitForConfirm()
    isOneUnknown = false
  }

  private func waitForConfirm() throws {
    var isReturned = false
    while true {
      switch try target.nextEvent(keepingAlive: source) {
      case .returned: isReturned = true
      case .method(_, .basicAck):
        guard isReturned else { return }
        isOneUnknown = false
        throw Refusal.unroutable
      case .method(_, .basicNack):
        isOneUnknown = false
        throw Refusal.rejected
      case .method(_, .channelClose(let reason)): throw BrokerSession.CallError.refused(reason)
      case .method(_, .connectionBlocked(let reason)): onFlow(reason)
      case .method(_, .connectionUnblocked): onFlow(nil)
      default: break
      }
    }
  }
}
