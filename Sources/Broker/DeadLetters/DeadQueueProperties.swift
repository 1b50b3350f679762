package import AMQP

/// What a dead-letter queue does with what is looked at.
package struct DeadQueueProperties: Hashable, Sendable {
  /// Whether it may drop what was given back to it too often.
  package enum Returns: Hashable, Sendable {
    case unlimited
    /// It was not made by `declare`, and may.
    case limited
    /// The user may not know.
    case unknown(CloseReason)
  }

  package var returns: Returns
  /// What it is, where it is known to outlive its consumers: what deletes itself with the last of them takes its messages along.
  package var lastingKind: WorkQueue.Kind?

  /// How messages are best taken.
  package var way: QueueReader.Mode { lastingKind.map { .consumers($0) } ?? .gets(atOnce: 32) }

  /// Before 4.3 RabbitMQ counts whatever is given back; and from 4.0 on a quorum queue drops what came back 20 times, unless it was told
  /// otherwise.
  static func returns(_ version: ServerVersion?, _ refusal: CloseReason) -> Returns {
    if let version, version >= ServerVersion(4, 3) { return .unlimited }
    if refusal.refusal == .notPermitted { return .unknown(refusal) }
    let isUnlimited = version.map { $0 < ServerVersion(4, 0) } == true && refusal.text.hasSuffix("current is none")
    return refusal.differs(in: "x-queue-type") || refusal.differs(in: "x-delivery-limit") && isUnlimited
      ? .unlimited : .limited
  }

  /// A broker compares the arguments last, so where one differs, the queue is durable and does not delete itself. It compares the
  /// type behind some arguments, but before the limit. (So do RabbitMQ 3.10, 4.0 and 4.3.)
  static func lastingKind(_ refusal: CloseReason, of declaration: Method.QueueDeclaration) -> WorkQueue.Kind? {
    switch DeclarationRefusal(refusal, of: declaration) {
    case .differs("x-queue-type", .nothing), .differs("x-queue-type", .value(.string("classic"))): .classic
    case .differs("x-delivery-limit", _): .quorum
    case .differs, .notTaken, nil: nil
    }
  }
}

extension BrokerSession {
  /// Asks for it on a channel that is not open.
  /// - Throws: `BrokerFailure`, `CallError`
  package func deadQueueProperties(_ queue: WorkQueue, on channel: UInt16) throws -> DeadQueueProperties {
    let declaration = queue.deadDeclaration
    try openChannel(channel)
    do {
      try declare(declaration, on: channel)
      try closeChannel(channel)
      return DeadQueueProperties(returns: .unlimited, lastingKind: .quorum)
    } catch CallError.refused(let reason) {
      guard reason.refusal == .notPermitted || reason.code == .preconditionFailed else {
        throw CallError.refused(reason)
      }
      return DeadQueueProperties(
        returns: DeadQueueProperties.returns(serverVersion, reason),
        lastingKind: DeadQueueProperties.lastingKind(reason, of: declaration))
    }
  }
}
