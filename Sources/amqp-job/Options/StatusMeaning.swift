import Arguments
import Console

/// What exit statuses mean where several commands have them for the same reason.
enum StatusMeaning {
  static let usage = Explained(.usage, "An option, an argument or a setting cannot be understood.")
  static let noQueue = Explained(.noQueue, "There is no such queue.")
  static let unreachable = Explained(
    .unreachable, "The broker, or the queue's node, was out of reach for --connect-timeout.")
  static let noResources = Explained(.internalError, "The system has no memory or descriptors for it.")
  static let lost = Explained(.temporaryFailure, "The connection was lost, or the broker is in trouble.")
  static let notPermitted = Explained(
    .notPermitted,
    "Login or permission is refused, a token ran out, there is no such vhost, or by TLS one cannot be trusted.")
  static let unwritable = Explained(.inputOutputError, "Standard output cannot be written.")
  static let unwritableLog = Explained(.inputOutputError, "Standard output or --log-file cannot be written.")
  static let unread = Explained("141", "Nobody reads standard output any more.")
  static let signal = Explained("128 + N", "Signal N ended it.")
}

extension Explained {
  init(_ status: ExitStatus, _ meaning: String) { self.init("\(status.rawValue)", meaning) }
}
