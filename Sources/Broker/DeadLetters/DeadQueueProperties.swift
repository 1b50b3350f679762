package import AMQP

/// What a dead-letter queue does with messages that are only looked at.
package struct DeadQueueProperties: Hashable, Sendable {
  /// Whether the queue may drop messages that are requeued too often.
  package enum Returns: Hashable, Sendable {
    case unlimited
    /// The queue may drop them, because it was not made by `declare`.
    case limited
    /// The user is not permitted to ask.
    case unknown(CloseReason)
  }

  package var returns: Returns
  /// The kind of the queue, if it is known that the queue outlives its consumers. An auto-delete queue would disappear
  /// with the last consumer and take its messages along.
  package var lastingKind: WorkQueue.Kind?

  /// The best way to take messages from the queue.
  package var mode: QueueReader.Mode { lastingKind.map { .consumers($0) } ?? .gets(atOnce: 32) }

  /// Before 4.3, RabbitMQ counts every requeued message. Since 4.0 a quorum queue drops a message that returns for the
  /// 21st time, unless it has another limit.
  static func returns(
    _ version: ServerVersion?, _ refusal: CloseReason, of declaration: Method.QueueDeclaration
  ) -> Returns {
    if let version, version >= ServerVersion(4, 3) { return .unlimited }
    if refusal.refusal == .notPermitted { return .unknown(refusal) }
    switch DeclarationRefusal(refusal, of: declaration) {
    case .differs("x-queue-type", _): return .unlimited
    case .differs("x-delivery-limit", .nothing) where version.map({ $0 < ServerVersion(4, 0) }) == true:
      return .unlimited
    case .differs, .unsupported, nil: return .limited
    }
  }

  /// The kind of an existing queue whose declaration was refused. A broker compares the arguments last, so if an
  /// argument differs, the queue is durable and does not delete itself. RabbitMQ 3.10, 4.0 and 4.3 compare the type
  /// after some arguments, but before the delivery limit.
  static func lastingKind(_ refusal: CloseReason, of declaration: Method.QueueDeclaration) -> WorkQueue.Kind? {
    switch DeclarationRefusal(refusal, of: declaration) {
    case .differs("x-queue-type", .nothing), .differs("x-queue-type", .value(.string("classic"))): .classic
    case .differs("x-delivery-limit", _): .quorum
    case .differs, .unsupported, nil: nil
    }
  }
}

extension BrokerSession {
  /// Asks for the properties on a channel that is not open yet.
  package func deadQueueProperties(_ queue: WorkQueue, on channel: UInt16) throws(SessionError) -> DeadQueueProperties {
    let declaration = queue.deadDeclaration
    try openChannel(channel)
    do {
      try declare(declaration, on: channel)
      try closeChannel(channel)
      return DeadQueueProperties(returns: .unlimited, lastingKind: .quorum)
    } catch .refused(let reason) where reason.refusal == .notPermitted || reason.code == .preconditionFailed {
      return DeadQueueProperties(
        returns: DeadQueueProperties.returns(serverVersion, reason, of: declaration),
        lastingKind: DeadQueueProperties.lastingKind(reason, of: declaration))
    }
  }
}
