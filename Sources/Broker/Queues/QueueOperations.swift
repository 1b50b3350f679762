package import AMQP

extension BrokerSession {
  /// What is in a queue, and who consumes it.
  /// - Throws: `BrokerFailure`, `CallError.refused` with `ReplyCode.notFound` for a queue that is not there
  package func queueStatus(_ queue: String, on channel: UInt16) throws -> Method.QueueStatus {
    try declare(.init(name: ByteString(queue), isPassive: true), on: channel)
  }

  /// The same, nil for a queue that is not there. The broker closes the channel over that; it is opened again.
  /// - Throws: `BrokerFailure`, `CallError`
  package func queueStatusIfPresent(
    _ queue: String, on channel: UInt16
  ) throws -> Method.QueueStatus? {
    do {
      return try queueStatus(queue, on: channel)
    } catch CallError.refused(let reason) where reason.meansNoSuchQueue {
      try openChannel(channel)
      return nil
    }
  }

  /// The same, nil also where the user may not know.
  /// - Throws: `BrokerFailure`, `CallError`
  package func queueStatusIfKnown(_ queue: String, on channel: UInt16) throws -> Method.QueueStatus? {
    do {
      return try queueStatusIfPresent(queue, on: channel)
    } catch CallError.refused(let reason) where reason.code == .accessRefused {
      try openChannel(channel)
      return nil
    }
  }

  /// Makes sure that an exchange is there.
  /// - Throws: `BrokerFailure`, `CallError.refused` with `ReplyCode.notFound` where it is not
  package func checkExchange(_ exchange: String, on channel: UInt16) throws {
    _ = try call(.exchangeDeclarePassive(exchange: ByteString(exchange)), on: channel) {
      // Its one answer, which says nothing more.
      if case .other = $0 { true } else { nil }
    }
  }

  /// Makes a queue, or finds it there with the same properties.
  /// - Throws: `BrokerFailure`, `CallError.refused` with `ReplyCode.preconditionFailed` where they differ
  @discardableResult
  package func declare(
    _ declaration: Method.QueueDeclaration, on channel: UInt16
  ) throws -> Method.QueueStatus {
    try call(.queueDeclare(declaration), on: channel) {
      if case .queueDeclareOK(let status) = $0 { status } else { nil }
    }
  }

  /// Has an exchange's messages with `routingKey` go to the queue.
  /// - Throws: `BrokerFailure`, `CallError`
  package func bind(
    queue: String, to exchange: String, routingKey: String, on channel: UInt16
  ) throws {
    _ = try call(
      .queueBind(
        queue: ByteString(queue), exchange: ByteString(exchange), routingKey: ByteString(routingKey)),
      on: channel
    ) { $0 == .queueBindOK ? true : nil }
  }

  /// Removes a queue, and says how many messages went with it.
  /// - Throws: `BrokerFailure`, `CallError`
  package func delete(
    queue: String, ifUnused: Bool = false, ifEmpty: Bool, on channel: UInt16
  ) throws -> UInt32 {
    try call(.queueDelete(queue: ByteString(queue), ifUnused: ifUnused, ifEmpty: ifEmpty), on: channel) {
      if case .queueDeleteOK(let count) = $0 { count } else { nil }
    }
  }

  /// Takes the first message of a queue, to be settled by its delivery tag; nil from an empty one. Of a body above the
  /// connection's `largestBodyInMemory` `onPart` gets the parts, in order, and the whole body's size with each.
  /// - Throws: `BrokerFailure`, `CallError`, what `onPart` throws
  package func get(
    from queue: String, on channel: UInt16, onPart: (_ part: [UInt8], _ size: UInt64) throws -> Void
  ) throws -> Delivery? {
    try send(.basicGet(queue: ByteString(queue)), on: channel)
    while true {
      switch try nextEvent(until: .now + Self.callLimit) {
      case .bodyPart(channel, let size, let part): try onPart(part, size)
      case .delivered(channel, let delivery): return delivery
      case .method(channel, .basicGetEmpty): return nil
      case .method(channel, .channelClose(let reason)): throw CallError.refused(reason)
      default: break
      }
    }
  }

  /// Removes all messages that are ready in a queue, and says how many.
  /// - Throws: `BrokerFailure`, `CallError`
  package func purge(_ queue: String, on channel: UInt16) throws -> UInt32 {
    try call(.queuePurge(queue: ByteString(queue)), on: channel) {
      if case .queuePurgeOK(let count) = $0 { count } else { nil }
    }
  }
}
