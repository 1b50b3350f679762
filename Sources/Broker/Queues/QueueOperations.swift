package import AMQP

extension BrokerSession {
  /// The numbers of messages and consumers of a queue. Throws `SessionError.refused` with
  /// `ReplyCode.notFound` if the queue does not exist.
  package func queueStatus(_ queue: String, on channel: UInt16) throws(SessionError) -> Method.QueueStatus {
    try declare(.init(name: ByteString(queue), isPassive: true), on: channel)
  }

  /// The same numbers; nil if the queue does not exist. The broker closes the channel in that case, and it is opened
  /// again.
  package func queueStatusIfPresent(
    _ queue: String, on channel: UInt16
  ) throws(SessionError) -> Method.QueueStatus? {
    do {
      return try queueStatus(queue, on: channel)
    } catch .refused(let reason) where reason.meansNoSuchQueue {
      try openChannel(channel)
      return nil
    }
  }

  /// The same numbers; nil also if the user is not permitted to ask.
  package func queueStatusIfKnown(_ queue: String, on channel: UInt16) throws(SessionError) -> Method.QueueStatus? {
    do {
      return try queueStatusIfPresent(queue, on: channel)
    } catch .refused(let reason) where reason.code == .accessRefused {
      try openChannel(channel)
      return nil
    }
  }

  /// The retry queues of a queue after the first one, in order, as far as the user may ask. AMQP cannot list queues, so
  /// the search ends with the first one that is missing.
  package func furtherRetryQueues(
    of queue: WorkQueue, on channel: UInt16
  ) throws(SessionError) -> [Method.QueueStatus] {
    var found: [Method.QueueStatus] = []
    for level in 2...WorkQueue.maxRetryLevel {
      let name = queue.retryName(level: level)
      guard ShortString(name) != nil, let status = try queueStatusIfKnown(name, on: channel) else { break }
      found.append(status)
    }
    return found
  }

  /// Checks that an exchange exists. Throws `SessionError.refused` with `ReplyCode.notFound` if it does not.
  package func checkExchange(_ exchange: String, on channel: UInt16) throws(SessionError) {
    _ = try call(.exchangeDeclarePassive(exchange: ByteString(exchange)), on: channel) {
      // Any other method is the answer, which has no fields.
      if case .other = $0 { true } else { nil }
    }
  }

  /// Makes a queue, or finds an existing one with the same properties. Throws `SessionError.refused` with
  /// `ReplyCode.preconditionFailed` if the properties differ.
  @discardableResult
  package func declare(
    _ declaration: Method.QueueDeclaration, on channel: UInt16
  ) throws(SessionError) -> Method.QueueStatus {
    try call(.queueDeclare(declaration), on: channel) {
      if case .queueDeclareOK(let status) = $0 { status } else { nil }
    }
  }

  /// Binds a queue to an exchange with a routing key.
  package func bind(
    queue: String, to exchange: String, routingKey: String, on channel: UInt16
  ) throws(SessionError) {
    _ = try call(
      .queueBind(
        queue: ByteString(queue), exchange: ByteString(exchange), routingKey: ByteString(routingKey)),
      on: channel
    ) { $0 == .queueBindOK ? true : nil }
  }

  /// Deletes a queue, and returns the number of messages that were in it.
  package func delete(
    queue: String, ifUnused: Bool = false, ifEmpty: Bool, on channel: UInt16
  ) throws(SessionError) -> UInt32 {
    try call(.queueDelete(queue: ByteString(queue), ifUnused: ifUnused, ifEmpty: ifEmpty), on: channel) {
      if case .queueDeleteOK(let count) = $0 { count } else { nil }
    }
  }

  /// Takes the first message of a queue, which has to be settled; nil if the queue is empty. If the body is larger than
  /// the connection keeps in memory, `onPart` is called with each part and with the size of the whole body. The rest of
  /// the message is not taken once `onPart` returns false.
  package func get(
    from queue: String, on channel: UInt16, onPart: (_ part: [UInt8], _ size: UInt64) -> Bool
  ) throws(SessionError) -> Delivery? {
    try send(.basicGet(queue: ByteString(queue)), on: channel)
    while true {
      switch try nextEvent(until: .now + Self.callLimit) {
      case .bodyPart(channel, let size, let part): guard onPart(part, size) else { return nil }
      case .delivered(channel, let delivery): return delivery
      case .method(channel, .basicGetEmpty): return nil
      case .method(channel, .channelClose(let reason)): throw .refused(reason)
      default: break
      }
    }
  }

  /// Deletes all ready messages of a queue, and returns their number.
  package func purge(_ queue: String, on channel: UInt16) throws(SessionError) -> UInt32 {
    try call(.queuePurge(queue: ByteString(queue)), on: channel) {
      if case .queuePurgeOK(let count) = $0 { count } else { nil }
    }
  }
}
