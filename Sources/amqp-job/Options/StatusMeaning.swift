import Arguments
import Console

/// The meanings of exit statuses that several commands share.
enum StatusMeaning {
  static let usage = Explained(.usage, "An option, an argument or a setting cannot be understood.")
  static let noQueue = Explained(.noQueue, "There is no such queue.")
  static let unreachable = Explained(
    .unreachable, "The broker, or the queue's node, was out of reach for --connect-timeout.")
  static let noResources = Explained(.internalError, "The system has no memory or file descriptors for the command.")
  static let lost = Explained(.temporaryFailure, "The connection was lost, or the broker is in trouble.")
  static let notPermitted = Explained(
    .notPermitted,
    "The login or a permission was refused, a token expired, the vhost does not exist, or TLS found no reason to trust the other side."
  )
  static let unwritable = Explained(.inputOutputError, "Standard output cannot be written.")
  static let unwritableLog = Explained(.inputOutputError, "Standard output or --log-file cannot be written.")
  static let unread = Explained("141", "Nobody reads standard output any more.")
  static let signal = Explained("128 + N", "Signal N ended it.")
}

extension Explained {
  init(_ status: ExitStatus, _ meaning: String) { self.init("\(status.rawValue)", meaning) }
}
