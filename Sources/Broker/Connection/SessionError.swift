package import AMQP
package import Linux

/// Why a session does not do what it was asked for.
package enum SessionError: Error, Hashable, Sendable {
  /// The connection could not be made, or has ended.
  case connection(BrokerFailure)
  /// A signal has ended the session.
  case stopped(Signal)
  /// The broker closed the channel because of a call on it.
  case refused(CloseReason)
  /// There was no answer within `BrokerSession.callLimit`, or the answer makes no sense.
  case unanswered
  /// A method or the properties of a message cannot be sent.
  case unsendable(AMQPError)
  /// The system refuses to wait.
  case system(SystemError)
}
