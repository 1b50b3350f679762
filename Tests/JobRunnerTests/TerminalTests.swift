import Console
import Linux
import Testing

@testable import JobRunner

/// Workers that are stopped.
@Suite struct TerminalTests {
  private func warnings(_ actions: [RunnerAction]) -> [String] {
    actions.compactMap {
      if case .log(let entry) = $0, entry.level == .warning { entry.message.text(for: .amqpJob) } else { nil }
    }
  }

  private func stopped(by signal: Signal, _ terminal: TerminalHolder?, parallelism: Int = 1) -> [RunnerAction] {
    var driver = RunnerDriver {
      $0.parallelism = parallelism
      $0.extent = .drain
    }
    driver.work()
    return driver.handle(.workerStopped(signal, terminal: terminal, slot: 0))
  }

  @Test("A single worker that needs the terminal gets it", arguments: [Signal.terminalInput, .terminalOutput])
  func oneWorkerIsLentTheTerminal(signal: Signal) {
    #expect(stopped(by: signal, .runner) == [.lendTerminal(slot: 0)])
  }

  @Test("A worker that is suspended at the terminal suspends the runner")
  func aWorkerThatIsSuspendedThereSuspendsTheRunner() {
    #expect(stopped(by: .suspend, .worker) == [.suspend(slot: 0)])
  }

  @Test("None of several workers gets the terminal") func ofSeveralNoneGetsIt() {
    #expect(warnings(stopped(by: .terminalInput, .runner, parallelism: 2)).first?.contains("-j 1") == true)
  }

  @Test(
    "A worker that stays stopped is reported",
    arguments: [
      (.terminalInput, .others, "SIGTTIN: it wants"), (.terminalInput, nil, "SIGTTIN;"),
      (.suspend, .runner, "SIGTSTP;"),
    ] as [(Signal, TerminalHolder?, String)])
  func whoeverStaysStoppedIsSpokenOf(signal: Signal, terminal: TerminalHolder?, text: String) {
    let actions = stopped(by: signal, terminal)
    #expect(actions.count == 1 && warnings(actions).first?.contains(text) == true)
  }
}
