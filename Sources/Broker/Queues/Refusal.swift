package import AMQP

/// The meaning of a channel close that concerns a queue. The protocol has few codes, so RabbitMQ's text often decides.
/// If the text is unknown, the code alone decides.
package enum Refusal: Hashable, Sendable {
  case noQueue
  case noExchange
  /// The queue exists, but the node that it lives on is down and may return.
  case nodeIsDown
  case notPermitted
  /// Another consumer is exclusive.
  case consumedByAnother
  /// The queue is exclusive to another connection, and is deleted with it.
  case ownedByAnother
  /// A message is larger than the broker allows.
  case tooLarge
  /// The broker has an internal error.
  case trouble
  /// The queue cannot be used in this way.
  case unfit
}

extension CloseReason {
  package var refusal: Refusal {
    switch code {
    case .notFound where text.hasSuffix("is down or inaccessible"): .nodeIsDown
    case .notFound where text.hasPrefix("NOT_FOUND - no exchange '"): .noExchange
    case .notFound: .noQueue
    case .accessRefused where text.hasSuffix("in exclusive use"): .consumedByAnother
    case .accessRefused: .notPermitted
    case .resourceLocked: .ownedByAnother
    case .internalError: .trouble
    default: isMessageTooLarge ? .tooLarge : .unfit
    }
  }

  /// Whether the queue in question does not exist.
  package var meansNoSuchQueue: Bool { refusal == .noQueue }

  /// Whether a queue that belongs to `queue` does not exist, and not `queue` itself.
  package func meansNoCompanion(of queue: WorkQueue) -> Bool {
    refusal == .noQueue
      && (queue.retryNames(levels: WorkQueue.maxRetryLevel) + [queue.deadName])
        .contains { text.hasPrefix("NOT_FOUND - no queue '\($0)' in vhost") }
  }

  /// Whether the queue is a stream, which refuses a consumer with a priority.
  package var meansStream: Bool {
    code == .preconditionFailed && text.hasPrefix("PRECONDITION_FAILED - invalid arg 'x-priority'")
      && text.hasSuffix("rabbit_stream_queue")
  }

  /// Whether a consumer kept a message for too long.
  package var isAboutConsumerTimeout: Bool {
    code == .preconditionFailed && says("delivery acknowledgement") && says("timed out")
  }

  /// Whether a channel has as many consumers as the broker allows.
  package var meansTooManyConsumers: Bool { code == .notAllowed && says("of consumers per channel") }

  /// Whether the token of the connection has expired.
  var meansExpiredCredentials: Bool { code == .connectionForced && text.hasSuffix("credential expired") }
}
