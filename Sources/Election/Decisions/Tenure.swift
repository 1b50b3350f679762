package import Console
package import Linux

/// How far a candidate is in leading. Its work is the command, or the leader file.
enum Tenure: Sendable {
  case none
  case leading(epoch: Int64)
  /// The work is being stopped.
  case stopping(Stopping)
  /// The work has ended, and a state is on its way that lets a successor begin at once.
  case releasing(CandidateEnd, limit: ContinuousClock.Instant)

  struct Stopping: Sendable {
    let epoch: Int64
    let reason: Reason
    let since: ContinuousClock.Instant
    var isKilled = false

    /// No renewal can hold any more.
    var isSuperseded: Bool { if case .superseded = reason { true } else { false } }
  }

  enum Reason: Sendable {
    /// No renewal was proven in time.
    case unproven
    /// Another candidate has a greater epoch.
    case superseded(Leader)
    case signal(Signal)
    case failure(ExitStatus, LogMessage)
  }
}

/// How a candidate has come to its end.
package enum CandidateEnd: Hashable, Sendable {
  /// The command has ended by itself.
  case ended(ProcessStatus)
  case stopped(Signal)
  case failed(ExitStatus, LogMessage)
}
