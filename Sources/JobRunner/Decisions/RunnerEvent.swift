package import AMQP
package import Broker
package import Console
package import Linux
package import Telemetry

/// What can happen to a runner.
package enum RunnerEvent: Hashable, Sendable {
  /// The login has succeeded. The version is nil for a server that is not RabbitMQ.
  case connected(ServerVersion?)
  /// A method has come on a channel.
  case method(Method, channel: UInt16)
  /// The broker has closed the channel that these slots share.
  case sharedChannelClosed(CloseReason, slots: [Int])
  /// A message has come, and its body is kept for the slot. The digest is that of the body, if one was asked for. `receivedAt` is the
  /// time on the wall clock, in seconds since 1970-01-01T00:00:00Z.
  case delivered(
    Envelope, BasicProperties, bodySize: UInt64 = 0, digest: Int?, receivedAt: UInt64 = 0, slot: Int)
  /// A message has come whose body could not be stored. It is kept for the slot as far as a copy needs it.
  case notStored(Envelope, BasicProperties, reason: String, slot: Int)
  /// A message has come that is larger than the runner takes. It is kept as far as a copy needs it.
  case tooLarge(Envelope, BasicProperties, slot: Int)
  /// A message has come whose body no worker can get, for this reason. It is kept for the slot.
  case unfit(Envelope, BasicProperties, bodySize: UInt64, reason: String, slot: Int)
  /// The connection could not be made, or was lost.
  case connectionFailed(BrokerFailure)
  /// The broker has closed the connection, as the runner asked.
  case connectionClosed
  /// All connections are closed.
  case connectionsClosed
  /// No worker can be started for any item.
  case commandRefused(ExitStatus, reason: String, slot: Int)
  /// The attempt that has just begun has a span.
  case spanBegun(SpanContext, slot: Int)
  /// The worker could not be started on this item.
  case workerDidNotStart(reason: String, slot: Int)
  /// The worker has ended. `standardError` is the end of what it wrote to its standard error, if that is kept and it wrote anything.
  case workerEnded(ProcessStatus, standardError: String? = nil, slot: Int)
  /// What the worker writes could not be written to this place. The worker may still run.
  case outputLost(place: String, reason: String, slot: Int)
  /// All steps have answered, so items can be taken.
  case stepsReady
  /// A step does not answer yet, for this reason. The runner goes on trying.
  case stepSilent(StepPlace, reason: String)
  /// A step answers after all.
  case stepAnswered(StepPlace)
  /// The step cannot work with this runner.
  case stepRefused(StepPlace, reason: String)
  /// A step has not come back, so that no worker can have this item.
  case stepUnavailable(StepPlace, reason: String, slot: Int)
  /// The item has failed in a step.
  case stepFailed(StepFailure, slot: Int)
  /// The worker has ended, and its result is being published. The event of its end follows.
  case resultBegun(slot: Int)
  /// The worker's result is in a queue. The event of its end follows.
  case resultPublished(size: UInt64, slot: Int)
  /// The worker exited 0, and its result could not be published.
  case resultRefused(reason: String, slot: Int)
  /// The worker was stopped by a signal. `terminal` is nil if there is no terminal.
  case workerStopped(Signal, terminal: TerminalHolder?, slot: Int)
  /// The broker has confirmed the copy of a move.
  case moveConfirmed(slot: Int)
  /// The copy is being sent, and has made progress.
  case moveAdvanced(slot: Int)
  /// The copy was not published.
  case moveFailed(reason: String, slot: Int)
  /// The copy may have been published.
  case moveUnconfirmed(reason: String, slot: Int)
  /// The broker has refused the copy.
  case moveRefused(CloseReason, slot: Int)
  /// The broker has said whether the user may publish to queues.
  case permission(PublishingPermission)
  /// The broker takes no copies at present, for this reason. nil says that it takes copies again.
  case movesBlocked(reason: String?)
  case signal(Signal)
  case timer(RunnerTimer)

  /// The slot that the event is about.
  var slot: Int? {
    switch self {
    case .delivered(_, _, _, _, _, let slot), .notStored(_, _, _, let slot), .tooLarge(_, _, let slot),
      .unfit(_, _, _, _, let slot),
      .commandRefused(_, _, let slot), .workerDidNotStart(_, let slot), .workerEnded(_, _, let slot),
      .outputLost(_, _, let slot), .spanBegun(_, let slot),
      .resultBegun(let slot), .resultPublished(_, let slot), .resultRefused(_, let slot), .stepFailed(_, let slot),
      .stepUnavailable(_, _, let slot),
      .workerStopped(_, _, let slot), .moveConfirmed(let slot), .moveAdvanced(let slot), .moveFailed(_, let slot),
      .moveUnconfirmed(_, let slot),
      .moveRefused(_, let slot),
      .timer(.workerLimit(let slot)), .timer(.grace(let slot)), .timer(.settlementLimit(let slot)),
      .timer(.batchWait(let slot)):
      slot
    case .connected, .connectionClosed, .connectionsClosed, .method, .sharedChannelClosed, .connectionFailed,
      .permission, .movesBlocked,
      .signal, .timer, .stepsReady, .stepSilent, .stepAnswered, .stepRefused:
      nil
    }
  }
}

/// Who is in the foreground of the terminal.
package enum TerminalHolder: Hashable, Sendable {
  case runner
  case worker
  case others
}

/// Whether copies of items can be published.
package enum PublishingPermission: Hashable, Sendable {
  case granted
  case refused(CloseReason)
  /// The broker cannot be asked at present.
  case unknown(reason: String)
}

/// The timers of a runner. Each is set at most once at a time.
package enum RunnerTimer: Hashable, Sendable {
  /// The broker has been out of reach for as long as it may be.
  case connectLimit
  /// It is time to try to connect or to inspect the queue again.
  case retry
  /// An item would have come by now if there were one.
  case idle
  /// The broker has had its time to say what is beside the queue. A worker's end waits for that answer.
  case searchLimit
  /// It is time for the next probe.
  case probe
  /// The pause after failures in a row is over.
  case pause
  /// The queue has had its time to be drained.
  case drainLimit
  /// Items that were done while the broker was away have had their time to come back.
  case finishWindow
  /// The worker has run for as long as it may.
  case workerLimit(slot: Int)
  /// The worker was told to end, and has had its time for that.
  case grace(slot: Int)
  /// The batch waits no longer for more items. The slot is the one that its worker is known by.
  case batchWait(slot: Int)
  /// The broker has had its time to take a settlement or a copy.
  case settlementLimit(slot: Int)
  /// The broker has had its time to answer the close of the connections.
  case closeLimit
  /// It is time to report what the runner waits for.
  case report
  /// It is time to show how far the work has come.
  case progress
}
