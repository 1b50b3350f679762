import Console
import Linux
import TestSupport
import Testing

@testable import Steps

@Suite struct StepProperties {
  private func message(_ random: inout Random) -> StepMessage? {
    let messages = [
      StepMessage.hello(version: random.one(of: [1, 1, 1, 2]), program: random.text(upTo: 300)),
      .run(streams: StepMessage.Streams(rawValue: random.integer()), slot: Int(random.one(of: [0, 1, 2, Int32.max]))),
      .signal(.kill, slot: 0), .end,
      .notStarted(SystemError(call: random.text(upTo: 300), code: random.integer()), slot: 0),
      .ended(.exited(0), slot: 1), .ended(.killed(.terminate), slot: 2),
    ]
    var bytes = random.one(of: messages).bytes
    if random.chance(1, in: 4) { random.damage(&bytes) }
    if random.chance(1, in: 20) { bytes = random.bytes(upTo: StepMessage.maxSize) }
    return StepMessage(bytes)
  }

  @Test("Whatever a packet holds, it is read as it is written or not at all")
  func whateverAPacketHoldsItIsReadAsItIsWrittenOrNotAtAll() {
    property("packets of steps") { random in
      guard let message = message(&random) else { return }
      let again = StepMessage(message.bytes)
      // A text may be cut to the size of a packet.
      if message.bytes.count < StepMessage.maxSize { try expect(again == message, "\(message) became \(again as Any)") }
      if case .ended(let status, _) = message { try expect((0...255).contains(status.shellCode), "\(status)") }
    }
  }

  @Test("Variables that another process sends are only about items")
  func variablesThatAnotherProcessSendsAreOnlyAboutItems() {
    property("variables of items") { random in
      let own = [Array("PATH=/bin".utf8), Array("WORK_ITEM_ID=old".utf8)]
      var sent = StepEnvironment.encoded([Array("WORK_ITEM_ID=\(random.text(upTo: 20))".utf8), Array("PATH=x".utf8)])
      random.damage(&sent)
      let merged = StepEnvironment.merged(own, with: sent)
      try expect(merged.filter { $0.starts(with: Array("PATH=".utf8)) } == [own[0]], "PATH is another one: \(merged)")
      try expect(!merged.contains { $0.contains(0) }, "a NUL in \(merged)")
    }
  }

  /// What processes that connect may say, in any order. No worker runs for one that is gone, and none is left in the end.
  @Test("Whatever is said, a step keeps its promises") func whateverIsSaidAStepKeepsItsPromises() {
    property("steps, and events by chance") { random in
      var harness = StepHarness()
      for _ in 0..<random.size(upTo: 100) where !harness.isFinished {
        let id = Int.random(in: 1...3, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0: try harness.connect(id)
        case 1: try harness.handle(.disconnected(runner: id))
        case 2: try harness.endWorker(&random)
        case 3 where random.chance(1, in: 4):
          try harness.handle(.signal(random.one(of: [.terminate, .interrupt, .user1])))
        case 4: if let message = message(&random) { try harness.receive(message, from: id) }
        default:
          try harness.receive(
            random.one(of: [
              .hello(version: StepMessage.version, program: ""), .run(streams: [], slot: 0), .run(streams: [], slot: 1),
            ]), from: id)
        }
      }
      try harness.drain()
    }
  }
}

/// A step with simulated workers, and the invariants that must hold for any events.
private struct StepHarness {
  private var service = StepService(program: "")
  private(set) var isFinished = false
  private var connected: Set<Int> = []
  private var nextProcess: Int32 = 100
  /// The runner of each worker that runs.
  private var workers: [Int32: Int] = [:]
  private var killed: Set<Int32> = []

  mutating func connect(_ id: Int) throws {
    guard connected.insert(id).inserted else { return }
    try handle(.connected(runner: id))
  }

  mutating func receive(_ message: StepMessage, from id: Int) throws {
    guard connected.contains(id) else { return }
    try handle(.received(message, runner: id))
  }

  mutating func endWorker(_ random: inout Random) throws {
    guard let worker = workers.keys.sorted().randomElement(using: &random) else { return }
    workers[worker] = nil
    try handle(.ended(processID: worker, random.one(of: [.exited(0), .exited(1), .killed(.kill)])))
  }

  /// The runners go away, and the workers end that were told to. Two signals then end the step.
  mutating func drain() throws {
    for id in connected.sorted() where !isFinished { try handle(.disconnected(runner: id)) }
    for worker in workers.keys.sorted() where !isFinished {
      try expect(killed.contains(worker), "worker \(worker) runs on without its runner")
      workers[worker] = nil
      try handle(.ended(processID: worker, .killed(.kill)))
    }
    for _ in 0..<2 where !isFinished { try handle(.signal(.terminate)) }
    try expect(isFinished, "the step does not end")
  }

  mutating func handle(_ event: StepService.Event) throws {
    for action in service.handle(event) { try perform(action) }
  }

  private mutating func perform(_ action: StepService.Action) throws {
    switch action {
    case .start(_, let slot, let id):
      try expect(connected.contains(id), "a worker for a runner that is gone")
      workers[nextProcess] = id
      nextProcess += 1
      try handle(.started(processID: nextProcess - 1, slot: slot, runner: id))
    case .signal(.kill, let worker): killed.insert(worker)
    case .disconnect(let id): connected.remove(id)
    case .finish:
      isFinished = true
      try expect(workers.isEmpty, "the step ends, and a worker runs")
    case .send, .signal, .beginGrace, .log: break
    }
  }
}
