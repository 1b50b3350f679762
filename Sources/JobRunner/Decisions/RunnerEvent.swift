public import AMQP
public import Broker
public import Linux

/// What can happen to a runner.
public enum RunnerEvent: Hashable, Sendable {
  /// The login succeeded.
  case connected
  /// A method came on a channel.
  case method(Method, channel: UInt16)
  case delivered(Delivery)
  /// The broker answered our close of the connection.
  case connectionClosed
  /// There is no connection, or no longer one.
  case connectionFailed(BrokerFailure)
  /// The worker could not be started.
  case workerDidNotStart(reason: String)
  case workerEnded(ProcessStatus)
  /// The copy that was to be published is in the queue, or is not known to be.
  case copyPublished(ConfirmedPublish.Outcome)
  case signal(Signal)
  case timer(RunnerTimer)
}

/// The times that a runner waits for; each is set at most once at a time.
public enum RunnerTimer: Hashable, Sendable {
  /// The broker has been out of reach for as long as it may be.
  case connectLimit
  /// Time to try to connect, or to open the queue, again.
  case retry
  /// An item would have come by now, were there one.
  case idle
  /// Time for the next look whether the queue is drained.
  case look
  /// The worker has run for as long as it may.
  case workerLimit
  /// The worker was told to end, and has had its time for that.
  case grace
  /// The broker has had its time to take a settlement.
  case settlementLimit
  /// Time to say what is being waited for.
  case report
}
