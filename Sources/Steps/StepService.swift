package import Console
package import Linux

/// The decisions of a step: it turns events into actions, without I/O. `StepServer` carries them out.
package struct StepService: Sendable {
  package enum Event: Hashable, Sendable {
    case connected(runner: Int)
    case received(StepMessage, runner: Int)
    /// The runner has closed its end, or has sent what is no message.
    case disconnected(runner: Int)
    case started(processID: Int32, slot: Int, runner: Int)
    case notStarted(SystemError, slot: Int, runner: Int)
    case ended(processID: Int32, ProcessStatus)
    case signal(Signal)
    case graceElapsed
  }

  package enum Action: Hashable, Sendable {
    case send(StepMessage, runner: Int)
    /// Start a worker with the descriptors that came with the message.
    case start(StepMessage.Streams, slot: Int, runner: Int)
    case signal(Signal, processID: Int32)
    case disconnect(runner: Int)
    /// `Event.graceElapsed` follows.
    case beginGrace
    case log(LogEntry)
    /// The step has ended, with success.
    case finish
  }

  /// How far the step is on its way to its end.
  private enum End: Sendable {
    case notAsked
    /// It ends when its runners have ended.
    case afterRunners
    /// It ends when its workers have ended.
    case afterWorkers
  }

  private struct Runner: Sendable {
    /// It has said hello, in the same version of the protocol.
    var isKnown = false
    /// The workers' process ids, by slot.
    var workers: [Int: Int32] = [:]
  }

  private let program: String
  private var runners: [Int: Runner] = [:]
  /// The workers whose runner is gone. They have been killed.
  private var abandoned: Set<Int32> = []
  private var end = End.notAsked

  /// `program` is the version of this program.
  package init(program: String) { self.program = program }

  private var workers: [Int32] { runners.values.flatMap(\.workers.values) + abandoned }

  package mutating func handle(_ event: Event) -> [Action] {
    switch event {
    case .connected(let id):
      guard end == .notAsked else { return [.disconnect(runner: id)] }
      runners[id] = Runner()
      return [.send(.hello(version: StepMessage.version, program: program), runner: id)]
    case .received(let message, let id): return received(message, from: id)
    case .disconnected(let id): return lost(id) + finishIfOver()
    case .started(let processID, let slot, let id):
      runners[id]?.workers[slot] = processID
      return []
    case .notStarted(let error, let slot, let id): return [.send(.notStarted(error, slot: slot), runner: id)]
    case .ended(let processID, let status): return ended(processID, status)
    case .signal(let signal): return received(signal)
    case .graceElapsed: return workers.map { .signal(.kill, processID: $0) }
    }
  }

  // MARK: Runners

  private mutating func received(_ message: StepMessage, from id: Int) -> [Action] {
    guard let runner = runners[id] else { return [] }
    switch message {
    case .hello(StepMessage.version, _):
      runners[id]?.isKnown = true
      return []
    case .hello(let version, let other):
      return [
        .log(
          LogEntry(
            .error,
            "the runner is amqp-job \(other) and speaks version \(version) of the step protocol, this step version \(StepMessage.version): use the same amqp-job in both"
          ))
      ]
    case .run(let streams, let slot) where runner.isKnown && runner.workers[slot] == nil:
      guard end != .afterWorkers else {
        return [.send(.notStarted(.canceled("step"), slot: slot), runner: id)]
      }
      return [.start(streams, slot: slot, runner: id)]
    case .signal(let signal, let slot) where runner.isKnown:
      // The worker may just have ended.
      return runner.workers[slot].map { [.signal(signal, processID: $0)] } ?? []
    case .end where runner.isKnown:
      let actions = lost(id)
      if end == .notAsked { end = .afterRunners }
      return [.log(LogEntry(.info, "the runner has ended"))] + actions + finishIfOver()
    case .run, .signal, .end, .notStarted, .ended:
      return [.log(LogEntry(.warning, "a process that connected does not speak as a runner does"))] + lost(id)
        + finishIfOver()
    }
  }

  /// The runner is gone, and its workers go with it.
  private mutating func lost(_ id: Int) -> [Action] {
    guard let runner = runners.removeValue(forKey: id) else { return [] }
    abandoned.formUnion(runner.workers.values)
    return runner.workers.values.sorted().map { .signal(.kill, processID: $0) } + [.disconnect(runner: id)]
  }

  // MARK: Workers

  private mutating func ended(_ processID: Int32, _ status: ProcessStatus) -> [Action] {
    abandoned.remove(processID)
    var actions: [Action] = []
    for (id, runner) in runners {
      guard let slot = runner.workers.first(where: { $0.value == processID })?.key else { continue }
      runners[id]?.workers[slot] = nil
      actions.append(.send(.ended(status, slot: slot), runner: id))
    }
    return actions + finishIfOver()
  }

  // MARK: The end

  /// The first signal to end lets the runners come to their end, because the runner of a pod gets it, too, and decides what
  /// it means for the items in hand. The next one ends the workers.
  private mutating func received(_ signal: Signal) -> [Action] {
    let ends = Signal.endings.contains(signal) || signal == .quit && workers.isEmpty
    guard ends else {
      return workers.map { .signal(signal, processID: $0) }
    }
    guard end == .notAsked else {
      end = .afterWorkers
      return workers.map { .signal(signal, processID: $0) } + [.beginGrace] + finishIfOver()
    }
    end = .afterRunners
    let isAwaited = hasRunners
    return (isAwaited ? [.log(LogEntry(.notice, "\(signal): waiting for the runner to end"))] : []) + finishIfOver()
  }

  private var hasRunners: Bool { runners.values.contains(where: \.isKnown) }

  private func finishIfOver() -> [Action] {
    switch end {
    case .notAsked: []
    case .afterRunners: hasRunners || !workers.isEmpty ? [] : [.finish]
    case .afterWorkers: workers.isEmpty ? [.finish] : []
    }
  }
}
