public import AMQP
public import Linux

/// What a runner does about an event, in order.
public enum RunnerAction: Hashable, Sendable {
  /// Begin to connect, and send these methods with the login.
  case connect(BrokerURL, [ChannelMethod])
  /// Drop the connection, or the attempt at one.
  case disconnect
  /// Send these methods in one write.
  case send([ChannelMethod])
  /// Close the connection cleanly.
  case closeConnection
  case startWorker(WorkItem)
  /// Put this message into the queue, on a connection of its own.
  case publishCopy(Message, BrokerURL)
  /// Let go of the copy that is on its way.
  case dropCopy
  /// No worker will be started any more.
  case endOfWork
  /// To the worker's process group.
  case signalWorker(Signal)
  case set(RunnerTimer, after: Duration)
  case cancel(RunnerTimer)
  case log(LogEntry)
  /// The end. With a status that is no success comes the line that says why.
  case finish(ExitStatus)

  /// Send these methods on the channel that items come on, in one write.
  static func send(_ methods: [Method]) -> RunnerAction {
    .send(methods.map { ChannelMethod($0, on: Runner.channel) })
  }
}
