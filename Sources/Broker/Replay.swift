import AMQP

/// Moves dead letters into a queue, to be worked on as if they were new. Each is published on a connection of its
/// own, and acked when the broker has confirmed that: so at any instant it is in one of the queues, or in both.
public final class Replay {
  public static let channel: UInt16 = 1

  private let source: BrokerSession
  private let target: BrokerSession
  private let names: WorkQueue
  private let onFlow: (String?) -> Void
  private var spool: BodySpool

  public private(set) var movedCount = 0
  /// Of the one that was under way when it failed nothing is known: it may be in both queues.
  public private(set) var isOneUnknown = false
  /// The message ids that were asked for, and not met yet.
  public private(set) var missingIDs: Set<String> = []

  /// `source` has the channel open; `target` is a connection of its own, without a channel. What is larger than `source` keeps
  /// in memory is kept in a file in `directory` meanwhile. `onFlow` is told why the broker stops to take messages, and nil
  /// when it goes on.
  public init(
    _ queue: WorkQueue, from source: BrokerSession, through target: BrokerSession, spoolingIn directory: String,
    onFlow: @escaping (String?) -> Void
  ) {
    names = queue
    spool = BodySpool(directory: directory)
    self.source = source
    self.target = target
    self.onFlow = onFlow
  }

  /// Moves those that are there now, which are `depth`, and `limit` of them at most; with `ids`, only those of them.
  /// The others stay.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`, `Publisher.Refusal`, `AMQPError.doesNotFitFrame`; `SystemError`
  ///   where an item cannot be kept in a file
  public func run(depth: Int, limit: Int, ids: Set<String>) throws {
    missingIDs = ids
    let publisher = try Publisher(target, queue: names.name, onFlow: onFlow)
    defer { isOneUnknown = publisher.isOneUnknown }

    var others = HeldMessages(source, queue: names.deadName, channel: Self.channel)
    do {
      try move(depth: depth, limit: limit, ids: ids, others: &others, by: publisher)
      try others.giveBack()
    } catch {
      // For their order; they go back when the connection ends, too.
      try? others.giveBack()
      throw error
    }
    try source.closeChannel(Self.channel)
  }

  private func move(
    depth: Int, limit: Int, ids: Set<String>, others: inout HeldMessages, by publisher: Publisher
  ) throws {
    for _ in 0..<depth where movedCount < limit || others.isIncomplete {
      var failure: (any Error)?
      let next = try source.get(from: names.deadName, on: Self.channel, keepingAlive: target) { part, size in
        guard failure == nil else { return }
        // The rest comes all the same, and is let go.
        do { try spool.append(part, of: size) } catch { failure = error }
      }
      guard let delivery = next else { return }
      let body = spool.body(of: delivery)
      let id = delivery.properties.messageID?.description
      guard movedCount < limit, ids.isEmpty || id.map(ids.contains) == true else {
        others.hold(delivery)
        continue
      }
      do {
        if let failure { throw failure }
        guard let body else { preconditionFailure("a body that is neither stored nor refused") }
        try publish(delivery, body, by: publisher)
      } catch {
        others.hold(delivery)
        throw error
      }
      try source.send(.basicAck(deliveryTag: delivery.envelope.deliveryTag, multiple: false), on: Self.channel)
      movedCount += 1
      if let id { missingIDs.remove(id) }
    }
  }

  private func publish(_ delivery: Delivery, _ body: ItemBody, by publisher: Publisher) throws {
    let first = FirstPublish.recorded(in: delivery.properties, delivery.envelope, from: names)
    var properties = delivery.properties.withoutBrokerHeaders().withoutItemHeaders()
    properties.deliveryMode = 2
    properties.expiration = nil
    // A broker refuses another user's id.
    properties.userID = nil
    if let first { properties.headers = FieldTable((properties.headers?.entries ?? []) + first.headers) }
    try publisher.publish(body, properties, keepingAlive: source)
  }
}
