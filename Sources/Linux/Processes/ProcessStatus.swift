/// How a process ended.
package enum ProcessStatus: Hashable, Sendable {
  case exited(Int32)
  case killed(Signal)

  /// The status as a shell's `$?` shows it: the exit code, or 128 + the signal's number.
  package var shellCode: Int32 {
    switch self {
    case .exited(let code): code
    case .killed(let signal): 128 + signal.rawValue
    }
  }
}
