internal import AMQP
internal import Broker
package import Linux

/// What was done on one item, for the job log and for the pod's termination message.
package struct JobRecord: Hashable, Sendable {
  package var item: WorkItem
  /// When the worker was started, or when the item was settled unrun.
  package var startedAt: ContinuousClock.Instant
  package var duration: Duration
  /// The size in bytes of the worker's result that was published.
  package var resultSize: UInt64
  /// How the worker ended. nil if none ran to its end.
  package var status: ProcessStatus?
  /// The step in which the item failed, if that was not the runner's own command.
  package var step: String?
  /// What became of the item, in the word of the log's `settlement` field.
  package var settlement: String
  /// Whether it is known what became of the item.
  package var isSettled = true
  /// The item is in its queue no more, nor on its way back.
  package var leavesQueue = false
  /// Why the attempt failed, in one of few words; nil if it did not.
  package var errorType: String?

  /// The item's message id, if it has one.
  package var id: String? { item.id }
  package var attempt: Int { item.attempt }
  /// The size of the item's body in bytes.
  package var bodySize: UInt64 { item.bodySize }
  /// The item's timestamp, in seconds since 1970-01-01T00:00:00Z, if it has one.
  package var timestamp: UInt64? { item.properties.timestamp }
}

extension JobRecord {
  init(_ ended: EndedJob, _ settlement: Settlement) {
    self.init(
      item: ended.item, startedAt: ended.startedAt, duration: ended.duration, resultSize: ended.resultSize,
      status: ended.status, step: ended.step, settlement: settlement.name, isSettled: settlement.isKnown,
      leavesQueue: settlement.isFinal, errorType: ended.outcome.errorType)
  }
}

extension Settlement {
  fileprivate var isKnown: Bool { if case .unsettled = self { false } else { true } }

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
