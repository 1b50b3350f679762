internal import AMQP
internal import Broker
package import Linux

/// What was done on one item, for the job log and for the pod's termination message.
package struct JobRecord: Hashable, Sendable {
  /// The item's message id, if it has one.
  package var id: String?
  package var attempt: Int
  /// When the worker was started, or when the item was settled unrun.
  package var startedAt: ContinuousClock.Instant
  package var duration: Duration
  /// The size of the item's body in bytes.
  package var bodySize: UInt64
  /// The size in bytes of the worker's result that was published.
  package var resultSize: UInt64
  /// How the worker ended. nil if none ran to its end.
  package var status: ProcessStatus?
  /// The step in which the item failed, if that was not the runner's own command.
  package var step: String?
  /// What became of the item, in the word of the log's `settlement` field.
  package var settlement: String
  /// The item is in its queue no more, nor on its way back.
  package var leavesQueue = false
  /// Why the attempt failed, in one of few words; nil if it did not.
  package var errorType: String?
  /// The item's timestamp, in seconds since 1970-01-01T00:00:00Z, if it has one.
  package var timestamp: UInt64?
}

extension JobRecord {
  init(_ ended: EndedJob, _ settlement: Settlement) {
    self.init(
      id: ended.item.id, attempt: ended.item.attempt, startedAt: ended.startedAt, duration: ended.duration,
      bodySize: ended.item.bodySize, resultSize: ended.resultSize, status: ended.status, step: ended.step,
      settlement: settlement.name, leavesQueue: settlement.isFinal,
      errorType: ended.outcome.errorType, timestamp: ended.item.properties.timestamp)
  }
}

extension Settlement {
  fileprivate var isFinal: Bool {
    switch self {
    case .acked, .deadLettered, .rejected, .dropped: true
    case .requeued, .requeuedAsCopy, .requeuedByBroker, .retried, .unsettled: false
    }
  }
}

extension Outcome {
  fileprivate var errorType: String? {
    switch self {
    case .done: nil
    case .failed(let failure): String(failure.reason.rawValue.map { $0 == " " ? "_" : $0 })
    case .interrupted: "interrupted"
    case .abandoned: "abandoned"
    }
  }
}
