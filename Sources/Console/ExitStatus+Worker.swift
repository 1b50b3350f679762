package import Linux

extension ExitStatus {
  /// The status for a command that the system refuses to run, as a shell reports it. nil where the refusal depends on the
  /// item, which goes into the command's arguments and environment.
  package init?(refusedCommand error: SystemError) {
    switch error.startFailure {
    case .notFound: self = .commandNotFound
    case .notExecutable: self = .notExecutable
    case .argumentsTooLong: return nil
    case .unreadable: self = .inputOutputError
    case .system: self = .internalError
    }
  }

  /// The status with which the runner reports how a worker ended. The statuses that the runner itself uses become 1, unless
  /// `raw`: a Job's pod failure policy must be able to tell a worker's failure from the runner's.
  package init(worker status: ProcessStatus, raw: Bool) {
    let code = status.shellCode
    let isOurs = (64...78).contains(code) || (124...128).contains(code)
    self = isOurs && !raw ? .failure : ExitStatus(rawValue: code)
  }
}
