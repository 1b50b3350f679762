package import Linux

/// The exit statuses of amqp-job. They follow BSD's sysexits(3) and the shell's conventions.
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

  /// The status of a program that a signal ended, as a shell reports it.
  package static func signal(_ signal: Signal) -> ExitStatus {
    ExitStatus(rawValue: 128 + signal.rawValue)
  }
}
