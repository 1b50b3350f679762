internal import Console
internal import Linux

/// Workers that are stopped, mostly because they read from the terminal without being in its foreground.
extension Runner {
  /// As a shell does, the runner lends the terminal to a single worker. A worker that is suspended there suspends the runner. For
  /// any other stopped worker there is a warning.
  mutating func workerStopped(
    by signal: Signal, _ terminal: TerminalHolder?, in index: Int
  ) -> [RunnerAction] {
    let wantsTerminal = signal == .terminalInput || signal == .terminalOutput
    switch terminal {
    case .worker where signal == .suspend: return [.suspend(slot: index)]
    case .runner where wantsTerminal && options.parallelism == 1: return [.lendTerminal(slot: index)]
    case .runner where wantsTerminal:
      return [stopped(by: signal, ": it wants the terminal, which a worker gets only where there is one (-j 1)")]
    case .others where wantsTerminal:
      return [stopped(by: signal, ": it wants the terminal, and amqp-job is not in its foreground")]
    default: return [stopped(by: signal, "")]
    }
  }

  private mutating func stopped(by signal: Signal, _ why: String) -> RunnerAction {
    said(.warning, "a worker of \(queueLabel) is stopped by SIG\(signal)\(why); it goes on when it gets SIGCONT")
  }
}
