package import AMQP
package import Console
package import Linux

/// What a runner does about an event, in order.
package enum RunnerAction: Hashable, Sendable {
  /// Begin to connect to the runner's broker, and send these methods with the login.
  case connect([ChannelMethod])
  /// Give up the connection, or the attempt at one: it is closed while other things go on.
  case disconnect
  /// Send these methods in one write.
  case send([ChannelMethod])
  /// Have the broker close the connection when it has done all that it was told. `RunnerEvent.connectionClosed` follows, and
  /// what the broker has to say against it comes before.
  case closeConnection
  /// Close all connections cleanly; `RunnerEvent.connectionsClosed` follows.
  case closeConnections
  case startWorker(WorkItem, slot: Int)
  /// Publish a copy of the slot's item where the move leads, on a connection of its own.
  case move(WorkItem, Move, slot: Int)
  /// Find out whether copies could be published, on that connection.
  case askForPermission
  /// Let go of the copy that is on its way.
  case dropMove(slot: Int)
  /// The slot's body is not needed any more.
  case releaseBody(slot: Int)
  /// No worker will be started any more.
  case endOfWork
  /// To the worker's process group.
  case signalWorker(Signal, slot: Int)
  /// Put the worker in the terminal's foreground, and continue it.
  case lendTerminal(slot: Int)
  /// Stop us, as its worker is stopped; once we are continued, continue it.
  case suspend(slot: Int)
  case set(RunnerTimer, after: Duration)
  case cancel(RunnerTimer)
  case log(LogEntry)
  /// The broker has chosen the name of our queue.
  case queueNamed(String)
  /// The end. With a status that is no success comes the line that says why.
  case finish(ExitStatus)
}
