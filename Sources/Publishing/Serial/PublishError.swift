package import Broker
package import Linux

/// Why messages were not published one after the other.
package enum PublishError: Error, Hashable, Sendable {
  case session(SessionError)
  /// The broker took no responsibility for a message.
  case refused(PublishRefusal)
  /// A body cannot be stored in a file, or cannot be read from there.
  case body(SystemError)
}
