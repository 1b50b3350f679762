public import AMQP
public import Linux

/// What a runner does about an event, in order.
public enum RunnerAction: Hashable, Sendable {
  /// Begin to connect to the next of the brokers.
  case connect
  /// Drop the connection, or the attempt at one.
  case disconnect
  /// Send these methods in one write.
  case send([Method], channel: UInt16)
  /// Close the connection cleanly.
  case closeConnection
  case startWorker(WorkItem)
  /// To the worker's process group.
  case signalWorker(Signal)
  case set(RunnerTimer, after: Duration)
  case cancel(RunnerTimer)
  case log(LogEntry)
  /// The end. With a status that is no success comes the line that says why.
  case finish(ExitStatus)
}
