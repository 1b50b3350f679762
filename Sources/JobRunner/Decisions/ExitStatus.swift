public import Linux

/// The exit statuses of amqp-job, after BSD's sysexits(3) and the shell's conventions. The table in
/// the README is this list.
public struct ExitStatus: RawRepresentable, Hashable, Sendable {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let success = ExitStatus(rawValue: 0)
  public static let failure = ExitStatus(rawValue: 1)
  public static let usage = ExitStatus(rawValue: 64)
  public static let refusedData = ExitStatus(rawValue: 65)
  public static let noQueue = ExitStatus(rawValue: 66)
  public static let unreachable = ExitStatus(rawValue: 69)
  public static let internalError = ExitStatus(rawValue: 70)
  public static let inputOutputError = ExitStatus(rawValue: 74)
  public static let temporaryFailure = ExitStatus(rawValue: 75)
  public static let itemTakenBack = ExitStatus(rawValue: 76)
  public static let notPermitted = ExitStatus(rawValue: 77)
  public static let wrongQueue = ExitStatus(rawValue: 78)
  public static let timedOut = ExitStatus(rawValue: 124)
  public static let notExecutable = ExitStatus(rawValue: 126)
  public static let commandNotFound = ExitStatus(rawValue: 127)

  /// A runner that a signal ended.
  public static func signal(_ signal: Signal) -> ExitStatus {
    ExitStatus(rawValue: 128 + signal.rawValue)
  }

  /// A worker's end as the runner reports it. The statuses that the runner uses itself become 1, unless `raw`: a Job's
  /// pod failure policy must be able to tell one from the other.
  public init(worker status: ProcessStatus, raw: Bool) {
    let code = status.shellCode
    let isOurs = (64...78).contains(code) || (124...127).contains(code)
    self = isOurs && !raw ? .failure : ExitStatus(rawValue: code)
  }
}
