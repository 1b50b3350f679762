internal import Console
internal import Linux

/// Workers that are stopped, mostly since they want the terminal: it stops whoever is not in its foreground.
extension Runner {
  /// As a shell does it, one worker gets the terminal, and a worker that is suspended there suspends us. Others are spoken of.
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
    said(.warning, "a worker of \(place) is stopped by SIG\(signal)\(why); it goes on when it gets SIGCONT")
  }
}
