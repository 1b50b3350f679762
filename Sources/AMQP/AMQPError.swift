/// What can go wrong between us and a peer that should speak AMQP 0-9-1.
package enum AMQPError: Error, Hashable, Sendable {
  /// The peer sent what the protocol does not allow, or is no AMQP 0-9-1 broker.
  case protocolViolation(String)
  /// A method, or a message's properties, that no frame of this connection can carry.
  case doesNotFitFrame(String)
  /// The broker refused the credentials or the virtual host.
  case loginRefused(String)
  /// The broker closed the connection.
  case connectionClosed(CloseReason)
  /// Nothing was received for two heartbeat intervals.
  case heartbeatMissed(seconds: Int)
}
