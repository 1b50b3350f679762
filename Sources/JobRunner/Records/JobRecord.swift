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
}

extension JobRecord {
  init(_ ended: EndedJob, _ settlement: Settlement) {
    self.init(
      id: ended.item.id, attempt: ended.item.attempt, startedAt: ended.startedAt, duration: ended.duration,
      bodySize: ended.item.bodySize, resultSize: ended.resultSize, status: ended.status, step: ended.step,
      settlement: settlement.name)
  }
}
