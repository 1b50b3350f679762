internal import Broker
internal import Linux

/// The workers that run, by slot.
struct Workers {
  private struct Worker {
    let processID: Int32
    let input: ChildInput
  }

  private let processes: ProcessGroups
  private let program: ProcessGroups.Program
  private let arguments: ArgumentTemplate
  private let environment: WorkerEnvironment
  private let feed: Feed
  private var running: [Int: Worker] = [:]

  init(
    _ processes: ProcessGroups, _ program: ProcessGroups.Program, _ environment: WorkerEnvironment, _ feed: Feed
  ) {
    self.processes = processes
    self.program = program
    arguments = ArgumentTemplate(program.arguments)
    self.environment = environment
    self.feed = feed
  }

  /// `path` is that of the body's file, where it has one.
  /// - Throws: `SystemError`, and `ArgumentTemplate.Failure` where the body does not go into arguments.
  mutating func start(on item: WorkItem, _ body: ItemBody, path: String?, slot: Int) throws {
    var program = program
    program.environment = environment.entries(for: item, path: path)
    if feed == .arg { program.arguments = try arguments.filled(with: body) }
    let input = try feed == .stdin ? processes.makeInput(body) : processes.makeEmptyInput()
    running[slot] = Worker(processID: try processes.start(program, input: input), input: input)
  }

  func signal(_ signal: Signal, slot: Int) {
    running[slot].map { processes.send(signal, to: $0.processID) }
  }

  /// What to wait for, where a worker has not got all of its input yet.
  var interests: [(slot: Int, interest: PollInterest)] {
    running.compactMap { slot, worker in worker.input.interest.map { (slot, $0) } }
  }

  /// - Throws: `SystemError`
  func feed(slot: Int) throws { try running[slot]?.input.write() }

  /// The workers that have ended since the last call.
  mutating func reap() -> [(slot: Int, status: ProcessStatus)] {
    var ended: [(slot: Int, status: ProcessStatus)] = []
    for child in processes.reap() {
      guard let slot = running.first(where: { $0.value.processID == child.processID })?.key else { continue }
      running.removeValue(forKey: slot)?.input.finish()
      ended.append((slot, child.status))
    }
    return ended
  }
}
