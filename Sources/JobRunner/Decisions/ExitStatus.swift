package import Linux

/// The exit statuses of amqp-job, after BSD's sysexits(3) and the shell's conventions. The table in
/// the page "Exit statuses" of the documentation is this list.
package struct ExitStatus: RawRepresentable, Hashable, Sendable {
  package let rawValue: Int32

  package init(rawValue: Int32) { self.rawValue = rawValue }

  package static let success = ExitStatus(rawValue: 0)
  package static let failure = ExitStatus(rawValue: 1)
  package static let usage = ExitStatus(rawValue: 64)
  package static let refusedData = ExitStatus(rawValue: 65)
  package static let noQueue = ExitStatus(rawValue: 66)
  package static let unreachable = ExitStatus(rawValue: 69)
  package static let internalError = ExitStatus(rawValue: 70)
  package static let inputOutputError = ExitStatus(rawValue: 74)
  package static let temporaryFailure = ExitStatus(rawValue: 75)
  package static let itemTakenBack = ExitStatus(rawValue: 76)
  package static let notPermitted = ExitStatus(rawValue: 77)
  package static let wrongQueue = ExitStatus(rawValue: 78)
  package static let timedOut = ExitStatus(rawValue: 124)
  package static let notExecutable = ExitStatus(rawValue: 126)
  package static let commandNotFound = ExitStatus(rawValue: 127)

  /// What each means to a user, for the manual.
  package static let meanings: [(status: ExitStatus, meaning: String)] = [
    (success, "All that was asked for is done: the worker exited 0 on everything that was taken, and it was acked."),
    (failure, "The worker failed; or what was asked for or after is not so: no runner is alive, items are left."),
    (usage, "Bad usage: an option, an argument or a setting cannot be understood."),
    (refusedData, "The broker refuses a body, or a line of --jsonl is no item."),
    (noQueue, "There is no such queue or exchange."),
    (unreachable, "The broker, or the queue's node, was out of reach for --connect-timeout."),
    (internalError, "The system has no process, memory or descriptors for the runner or a worker. It is no attempt."),
    (inputOutputError, "An item cannot be stored, an input not be read, or a file or standard output not be written."),
    (
      temporaryFailure,
      "The connection was lost, or a queue full, another consumer's alone, or not drained in time. The item may be run again."
    ),
    (itemTakenBack, "The broker took the item back from the worker, or refused the ack."),
    (
      notPermitted,
      "Login or permission is refused, a token ran out, there is no such vhost, or TLS finds that one cannot be trusted."
    ),
    (wrongQueue, "The queue is of a kind that cannot be used, or was declared otherwise."),
    (timedOut, "The worker ran past --timeout."),
    (notExecutable, "The worker's command is not executable."),
    (commandNotFound, "The worker's command was not found."),
  ]

  /// A runner that a signal ended.
  package static func signal(_ signal: Signal) -> ExitStatus {
    ExitStatus(rawValue: 128 + signal.rawValue)
  }

  /// Why no worker can be started: of its command as a shell reports it. nil for what is about one item, which goes into
  /// arguments and environment.
  init?(refusedCommand error: SystemError) {
    switch error.obstacle {
    case .notFound: self = .commandNotFound
    case .notExecutable: self = .notExecutable
    case .argumentsTooLong: return nil
    case .unreadable: self = .inputOutputError
    case .system: self = .internalError
    }
  }

  /// A worker's end as the runner reports it. The statuses that the runner uses itself become 1, unless `raw`: a Job's
  /// pod failure policy must be able to tell one from the other.
  package init(worker status: ProcessStatus, raw: Bool) {
    let code = status.shellCode
    let isOurs = (64...78).contains(code) || (124...128).contains(code)
    self = isOurs && !raw ? .failure : ExitStatus(rawValue: code)
  }
}
