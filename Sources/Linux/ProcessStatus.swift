/// How a process ended.
package enum ProcessStatus: Hashable, Sendable {
  case exited(Int32)
  case killed(Signal)

  /// As a shell's `$?` has it: the exit code, or 128 and the signal's number.
  package var shellCode: Int32 {
    switch self {
    case .exited(let code): code
    case .killed(let signal): 128 + signal.rawValue
    }
  }
}
