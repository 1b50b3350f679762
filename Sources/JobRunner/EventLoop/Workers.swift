internal import Broker
internal import Linux

/// The running workers, by slot.
struct Workers {
  private struct Worker {
    let processID: Int32
    let input: ChildInput
    /// What the worker writes, if its result is published.
    let result: OutputFile?
    /// The directory with its items, if it gets them in one.
    let directory: ScratchDirectory?
    /// The runner has killed it, and waits no longer for its output.
    var isKilled = false
  }

  private let processes: ProcessGroups
  private let program: ProcessGroups.Program?
  private let arguments: ArgumentTemplate
  private let environment: WorkerEnvironment
  private let feed: Feed
  /// The directory for the results of workers, if they are published.
  private let resultDirectory: String?
  private var running: [Int: Worker] = [:]
  /// The workers in other containers, if an item passes steps.
  private var steps: StepWorkers?
  var outputs: WorkerOutputs
  /// The workers that have ended, and whose output is still on its way.
  private var ending: [Int: Ended] = [:]
  /// Opened for the first worker that wants it.
  private var terminal: ControllingTerminal?

  init(
    _ processes: ProcessGroups, _ program: ProcessGroups.Program?, _ environment: WorkerEnvironment, _ feed: Feed,
    _ steps: StepWorkers?, _ outputs: WorkerOutputs, keepingResultsIn resultDirectory: String? = nil
  ) {
    (self.outputs, self.resultDirectory) = (outputs, resultDirectory)
    self.processes = processes
    self.program = program
    arguments = ArgumentTemplate(program?.arguments ?? [])
    self.environment = environment
    self.feed = feed
    self.steps = steps
  }

  /// Starts the worker, or the first step. `path` is the path of the body's file, if it has one.
  /// - Throws: `SystemError`, `OutputNotKept`, or `ArgumentTemplate.Failure` if the body cannot be put into arguments.
  mutating func start(
    on item: WorkItem, _ body: ReceivedBody, path: String?, slot: Int
  ) throws -> [StepWorkers.Event] {
    outputs.begin(item, slot: slot)
    if let events = try steps?.begin(item, body, slot: slot, now: .now, &outputs) { return events }
    guard var program else { return [] }
    program.environment = environment.entries(for: item, path: path)
    if feed == .arg { program.arguments = try arguments.filled(with: body) }
    try start(program, try feed == .stdin ? processes.makeInput(body) : processes.makeEmptyInput(), slot: slot)
    return []
  }

  /// Starts the worker on what the last step has written. Returns false if there is no worker.
  /// - Throws: `SystemError`, `OutputNotKept`
  mutating func startLast(on item: WorkItem, _ output: OutputFile?, slot: Int) throws -> Bool {
    guard var program, let output else { return false }
    program.environment = environment.entries(for: item)
    try start(program, try processes.makeInput(output), slot: slot)
    return true
  }

  /// Starts one worker on the whole batch. Bodies that take too much room are written to files in `spooling`.
  /// - Throws: `SystemError`, `OutputNotKept`, `InputNotKept`
  mutating func start(on batch: Batch, _ spooling: BatchInput.Spooling, slot: Int) throws {
    guard var program, let first = batch.items.first?.item else { return }
    outputs.begin(first, slot: slot)
    let input = try BatchInput(batch, feed, spooling, processes)
    program.environment = environment.entries(
      count: batch.items.count, of: first.queue, only: batch.isOfOne ? first : nil, directory: input.directory?.path)
    try start(program, input.input, input.directory, slot: slot)
  }

  private mutating func start(
    _ program: ProcessGroups.Program, _ input: ChildInput, _ directory: ScratchDirectory? = nil, slot: Int
  ) throws {
    let result = try resultDirectory.map { try OutputFile(in: $0) }
    let pipes = try outputs.open(slot: slot)
    do {
      let processID = try processes.start(program, input: input, output: result ?? pipes.output, error: pipes.error)
      running[slot] = Worker(processID: processID, input: input, result: result, directory: directory)
    } catch {
      outputs.discard(slot: slot)
      throw error
    }
  }

  mutating func signal(_ signal: Signal, slot: Int) -> [StepWorkers.Event] {
    running[slot].map { processes.send(signal, to: $0.processID) }
    if signal == .kill { running[slot]?.isKilled = true }
    return steps?.signal(signal, slot: slot, now: .now, &outputs) ?? []
  }

  // MARK: Steps

  var stepInterests: [PollInterest] { steps?.interests ?? [] }
  var stepDeadline: ContinuousClock.Instant? { steps?.deadline }

  mutating func processSteps(now: ContinuousClock.Instant) -> [StepWorkers.Event] {
    steps?.process(now: now, &outputs) ?? []
  }

  func endSteps() { steps?.end() }

  // MARK: Input

  /// What to wait for while workers have not got all of their input.
  var interests: [(slot: Int, interest: PollInterest)] {
    running.compactMap { slot, worker in worker.input.interest.map { (slot, $0) } }
  }

  /// - Throws: `SystemError`
  func feed(slot: Int) throws { try running[slot]?.input.write() }

  private func slot(of processID: Int32) -> Int? { running.first { $0.value.processID == processID }?.key }

  // MARK: The terminal

  /// The workers that have been stopped since the last call, and by which signal.
  func stopped() -> [(slot: Int, signal: Signal)] {
    processes.stopped().compactMap { child in slot(of: child.processID).map { ($0, child.signal) } }
  }

  /// Who has the terminal, if there is one.
  mutating func terminalHolder(slot: Int) -> TerminalHolder? {
    terminal = terminal ?? ControllingTerminal()
    guard let terminal, let worker = running[slot] else { return nil }
    return terminal.hasForeground(worker.processID) ? .worker : terminal.isInForeground ? .runner : .others
  }

  /// Puts the worker into the foreground of the terminal, and continues it.
  mutating func lendTerminal(slot: Int) {
    guard let worker = running[slot] else { return }
    terminal?.setForeground(worker.processID)
    processes.send(.resume, to: worker.processID)
  }

  /// Suspends the runner, as the worker was suspended. When the runner is continued, the worker is continued, too.
  mutating func suspend(slot: Int) {
    terminal?.restoreForeground()
    ControllingTerminal.suspend()
    lendTerminal(slot: slot)
  }

  // MARK: Ends

  /// A worker that has ended.
  struct Ended {
    let slot: Int
    let status: ProcessStatus
    /// What it has written to its standard output, if its result is published.
    let result: OutputFile?
    /// The end of what it has written to its standard error, if that is kept and it wrote anything.
    var standardError: String?
    let hadTerminal: Bool
    let waitsForOutput: Bool
  }

  /// Reaps the workers that have ended. Returns their slots.
  mutating func reap() -> [Int] {
    var slots: [Int] = []
    for child in processes.reap() {
      guard let slot = slot(of: child.processID) else { continue }
      let worker = running.removeValue(forKey: slot)
      worker?.input.finish()
      let hadTerminal = terminal?.hasForeground(child.processID) == true
      if hadTerminal { terminal?.restoreForeground() }
      outputs.workerEnded(slot: slot)
      ending[slot] = Ended(
        slot: slot, status: child.status, result: worker?.result, hadTerminal: hadTerminal,
        waitsForOutput: worker?.isKilled != true)
      slots.append(slot)
    }
    return slots
  }

  /// The workers that have ended and whose output is where it belongs.
  mutating func takeEnded() -> [Ended] {
    guard !ending.isEmpty else { return [] }
    return ending.filter { !$1.waitsForOutput || outputs.isHandedOn(slot: $0) }.keys.compactMap { slot in
      var ended = ending.removeValue(forKey: slot)
      ended?.standardError = outputs.finish(slot: slot)
      return ended
    }
  }

  /// Gives up what the slot's worker has written and nobody has read. Returns false if its end does not wait for that.
  mutating func dropOutput(slot: Int) -> Bool {
    guard ending.removeValue(forKey: slot) != nil else { return false }
    _ = outputs.finish(slot: slot)
    return true
  }
}
