package import AMQP
package import Broker
package import Console
package import Linux

/// What can happen to a runner.
package enum RunnerEvent: Hashable, Sendable {
  /// The login succeeded; nil for a server that is not RabbitMQ.
  case connected(ServerVersion?)
  /// A method came on a channel.
  case method(Method, channel: UInt16)
  /// A message came; its body is kept for the slot. The digest is the body's, where that was asked for.
  case delivered(Envelope, BasicProperties, digest: Int?, slot: Int)
  /// A message came, or began to, whose body could not be stored. It is kept for the slot as far as a copy needs it.
  case notStored(Envelope, BasicProperties, reason: String, slot: Int)
  /// A message came, or began to, that is larger than the runner takes. It is kept as far as a copy needs it.
  case tooLarge(Envelope, BasicProperties, slot: Int)
  /// There is no connection, or no longer one.
  case connectionFailed(BrokerFailure)
  /// The broker has closed the connection, as it was told.
  case connectionClosed
  /// The broker has answered the close of every connection, or there is none.
  case connectionsClosed
  /// No worker can be started at all, whatever the item.
  case commandRefused(ExitStatus, reason: String, slot: Int)
  /// The worker could not be started on this item.
  case workerDidNotStart(reason: String, slot: Int)
  /// The end of what it wrote to its standard error goes with it, where that is kept and it wrote anything.
  case workerEnded(ProcessStatus, standardError: String? = nil, slot: Int)
  /// The worker was stopped by that signal; nil where there is no terminal.
  case workerStopped(Signal, terminal: TerminalHolder?, slot: Int)
  /// The copy that a move published is in its queue.
  case moveConfirmed(slot: Int)
  /// It is on its way there, and has come further.
  case moveAdvanced(slot: Int)
  /// It is not there.
  case moveFailed(reason: String, slot: Int)
  /// It may be there.
  case moveUnconfirmed(reason: String, slot: Int)
  /// The broker has refused it.
  case moveRefused(CloseReason, slot: Int)
  /// Whether the user may publish to queues.
  case permission(PublishingPermission)
  /// The broker takes no copies for now, for that reason; or it does again.
  case movesBlocked(reason: String?)
  case signal(Signal)
  case timer(RunnerTimer)

  /// The one that it is about.
  var slot: Int? {
    switch self {
    case .delivered(_, _, _, let slot), .notStored(_, _, _, let slot), .tooLarge(_, _, let slot),
      .commandRefused(_, _, let slot), .workerDidNotStart(_, let slot), .workerEnded(_, _, let slot),
      .workerStopped(_, _, let slot), .moveConfirmed(let slot), .moveAdvanced(let slot), .moveFailed(_, let slot),
      .moveUnconfirmed(_, let slot),
      .moveRefused(_, let slot),
      .timer(.workerLimit(let slot)), .timer(.grace(let slot)), .timer(.settlementLimit(let slot)):
      slot
    case .connected, .connectionClosed, .connectionsClosed, .method, .connectionFailed, .permission, .movesBlocked,
      .signal, .timer:
      nil
    }
  }
}

/// Who is in the foreground of our terminal.
package enum TerminalHolder: Hashable, Sendable {
  case runner
  case worker
  case others
}

/// Whether copies of items can be published.
package enum PublishingPermission: Hashable, Sendable {
  case granted
  case refused(CloseReason)
  /// The broker cannot be asked now, and why.
  case unknown(reason: String)
}

/// The times that a runner waits for; each is set at most once at a time.
package enum RunnerTimer: Hashable, Sendable {
  /// The broker has been out of reach for as long as it may be.
  case connectLimit
  /// Time to try to connect, or to open the queue, again.
  case retry
  /// An item would have come by now, were there one.
  case idle
  /// The broker has had its time to say what is beside the queue, while a worker's end waits for that.
  case searchLimit
  /// Time for the next look whether the queue is drained.
  case look
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
  /// The broker has had its time to take a settlement or a copy.
  case settlementLimit(slot: Int)
  /// The broker has had its time to answer the close of the connections.
  case closeLimit
  /// Time to say what is being waited for.
  case report
}
