package import AMQP
package import Console
package import Linux

/// What a runner does about an event. Actions are performed in order.
package enum RunnerAction: Hashable, Sendable {
  /// Begin to connect to the runner's broker, and send these methods with the login.
  case connect([ChannelMethod])
  /// Give up the connection or the attempt at one. It is closed while other things go on.
  case disconnect
  /// Send these methods in one write.
  case send([ChannelMethod])
  /// Ask the broker to close the connection after it has executed everything that was sent. `RunnerEvent.connectionClosed` follows.
  /// A refusal by the broker comes before that.
  case closeConnection
  /// Close all connections cleanly; `RunnerEvent.connectionsClosed` follows.
  case closeConnections
  case startWorker(WorkItem, slot: Int)
  /// Start one worker on all these items. The worker's own events and actions name `slot`.
  case startBatch([BatchItem], slot: Int)
  /// Publish a copy of the slot's item to the destination of the move, on a connection of its own.
  case move(WorkItem, Move, slot: Int)
  /// Find out on that connection whether copies can be published.
  case askForPermission
  /// Forget the copy that is being published.
  case dropMove(slot: Int)
  /// The body of the slot's item is no longer needed.
  case releaseBody(slot: Int)
  /// No more workers will be started.
  case endOfWork
  /// Send a signal to the worker's process group.
  case signalWorker(Signal, slot: Int)
  /// Put the worker into the foreground of the terminal, and continue it.
  case lendTerminal(slot: Int)
  /// Suspend the runner, as its worker is suspended. When the runner is continued, continue the worker.
  case suspend(slot: Int)
  case set(RunnerTimer, after: Duration)
  case cancel(RunnerTimer)
  case log(LogEntry)
  /// An item was settled. This comes only where `JobOptions.Report.recordsJobs` is set.
  case record(JobRecord)
  /// Show how far the work has come.
  case progress(WorkDone)
  /// The broker has chosen the name of the runner's own queue.
  case queueNamed(String)
  /// The runner has ended. If the status is not 0, a log entry has said why.
  case finish(ExitStatus)
}
