/// An error in the conversation with a peer that should speak AMQP 0-9-1. Each text is ready to be shown to a user.
package enum AMQPError: Error, Hashable, Sendable {
  /// The peer broke the rules of the protocol, or is not an AMQP 0-9-1 broker.
  case protocolViolation(String)
  /// A method or the properties of a message are larger than a frame of this connection.
  case doesNotFitFrame(String)
  /// The broker refused the credentials or the virtual host.
  case loginRefused(String)
  /// The broker closed the connection.
  case connectionClosed(CloseReason)
  /// Nothing was received for two heartbeat intervals of `seconds` each.
  case heartbeatMissed(seconds: Int)
}
