public import AMQP

extension BrokerSession {
  /// What is in a queue, and who consumes it.
  /// - Throws: `BrokerFailure`, `CallError.refused` with `ReplyCode.notFound` for a queue that is not there
  public func queueStatus(_ queue: String, on channel: UInt16) throws -> Method.QueueStatus {
    try declare(.init(name: ByteString(queue), isPassive: true), on: channel)
  }

  /// Makes a queue, or finds it there with the same properties.
  /// - Throws: `BrokerFailure`, `CallError.refused` with `ReplyCode.preconditionFailed` where they differ
  @discardableResult
  public func declare(
    _ declaration: Method.QueueDeclaration, on channel: UInt16
  ) throws -> Method.QueueStatus {
    try call(.queueDeclare(declaration), on: channel) {
      if case .queueDeclareOK(let status) = $0 { status } else { nil }
    }
  }

  /// Has an exchange's messages with `routingKey` go to the queue.
  /// - Throws: `BrokerFailure`, `CallError`
  public func bind(
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
  public func delete(queue: String, ifEmpty: Bool, on channel: UInt16) throws -> UInt32 {
    try call(.queueDelete(queue: ByteString(queue), ifEmpty: ifEmpty), on: channel) {
      if case .queueDeleteOK(let count) = $0 { count } else { nil }
    }
  }
}
