import AMQP
import Broker
import Console
import Linux
import TestSupport

@testable import JobRunner

/// A runner with simulated workers and copies, and the invariants that must hold for any events.
struct RunnerHarness {
  private(set) var runner: Runner
  private(set) var now = ContinuousClock.now
  private(set) var isFinished = false
  /// The items of each worker that runs, and the item of each copy that is under way, by slot.
  private(set) var workers: [Int: [WorkItem]] = [:]
  private(set) var moves: [Int: WorkItem] = [:]
  /// The slots of workers whose output is lost.
  private var slotsWithoutOutput: Set<Int> = []
  private(set) var timers: Set<RunnerTimer> = []
  /// The methods to send, in order, since the last read.
  var unsent: [ChannelMethod] = []
  /// What the runner asked of the connection since the last read.
  var connection: Wish?
  private let mostWorkers: Int
  /// The delivery tags and message ids of items that may be acked, because a worker has done them or they were copied.
  private var settleable: Set<UInt64> = []
  private var doneIDs: Set<ByteString> = []
  /// The same for items that may be rejected, because a worker has failed on them.
  private var rejectable: Set<UInt64> = []
  private var failedIDs: Set<ByteString> = []
  private var tagIDs: [UInt64: ByteString] = [:]

  enum Wish: Equatable {
    case connect([ChannelMethod])
    case disconnect
  }

  init(_ options: JobOptions) {
    mostWorkers = options.parallelism
    runner = Runner(options, now: now, jitter: { 0.5 })
  }

  mutating func start() throws { try perform(runner.start(now: now)) }

  mutating func pass(_ duration: Duration) { now += duration }

  mutating func handle(_ event: RunnerEvent) throws {
    switch event {
    case .workerEnded(let status, _, let slot):
      guard let items = workers.removeValue(forKey: slot) else { return }
      let isDone = status == .exited(0) && !slotsWithoutOutput.contains(slot)
      if isDone { for item in items { note(item) } }
      // A worker that ran for too long has failed, whatever its exit status.
      if !isDone || runner.options.worker.timeout != nil { noteFailures(items) }
    case .outputLost(_, _, let slot):
      guard workers[slot] != nil else { return }
      slotsWithoutOutput.insert(slot)
    case .commandRefused(_, _, let slot):
      guard workers.removeValue(forKey: slot) != nil else { return }
    case .stepUnavailable(_, _, let slot):
      guard workers.removeValue(forKey: slot) != nil else { return }
    case .stepFailed(_, let slot), .workerDidNotStart(_, let slot):
      guard let items = workers.removeValue(forKey: slot) else { return }
      noteFailures(items)
    case .moveConfirmed(let slot):
      guard let item = moves.removeValue(forKey: slot) else { return }
      settleable.insert(item.envelope.deliveryTag)
    case .moveFailed(_, let slot):
      guard moves.removeValue(forKey: slot) != nil else { return }
    case .timer(let timer):
      guard timers.remove(timer) != nil else { return }
    case .delivered(let envelope, let properties, _, _, _, _):
      tagIDs[envelope.deliveryTag] = properties.messageID
    default: break
    }
    try perform(runner.handle(event, now: now))
  }

  private mutating func note(_ item: WorkItem) {
    settleable.insert(item.envelope.deliveryTag)
    if let id = item.properties.messageID { doneIDs.insert(id) }
  }

  private mutating func noteFailures(_ items: [WorkItem]) {
    for item in items {
      rejectable.insert(item.envelope.deliveryTag)
      if let id = item.properties.messageID { failedIDs.insert(id) }
    }
  }

  private mutating func perform(_ actions: [RunnerAction]) throws {
    for action in actions {
      if isFinished, case .log = action {} else { try expect(!isFinished, "after the end comes \(action)") }
      try perform(action)
    }
  }

  private mutating func perform(_ action: RunnerAction) throws {
    switch action {
    case .startWorker(let item, let slot): try started([item], slot)
    case .startBatch(let items, let slot): try started(items.map(\.item), slot)
    case .move(let item, _, let slot):
      try expect(moves[slot] == nil, "a second copy in slot \(slot)")
      moves[slot] = item
    case .dropMove(let slot): moves[slot] = nil
    case .set(let timer, _): timers.insert(timer)
    case .cancel(let timer): timers.remove(timer)
    case .send(let methods):
      for method in methods { try check(method.method) }
      unsent += methods
    case .connect(let opening):
      unsent = []
      connection = .connect(opening)
    case .disconnect: connection = .disconnect
    case .log(let entry): try check(entry)
    case .finish(let status):
      isFinished = true
      try expect(status != .success || workers.isEmpty, "the end is 0, and a worker runs")
    default: break
    }
  }

  private mutating func started(_ items: [WorkItem], _ slot: Int) throws {
    try expect(workers[slot] == nil, "a second worker in slot \(slot)")
    try expect(!items.isEmpty && items.count <= runner.options.worker.batch?.size ?? 1, "a batch of \(items.count)")
    try expect(runner.tally.taken <= runner.options.maxItems, "\(runner.tally.taken) items")
    workers[slot] = items
    slotsWithoutOutput.remove(slot)
    try expect(workers.count <= mostWorkers, "\(workers.count) workers, of \(mostWorkers)")
  }

  private func check(_ entry: LogEntry) throws {
    let message = entry.message.text(for: Program("amqp-consume", settings: []))
    var parts = message.split(separator: "'amqp-job ", omittingEmptySubsequences: false)
    for index in parts.indices.dropFirst() { parts[index] = parts[index].drop { $0 != "'" } }
    try expect(!parts.contains { $0.contains(/--[a-z]{2}/) }, "an option that is not there: \(message)")
  }

  private func check(_ method: AMQP.Method) throws {
    switch method {
    case .basicAck(let tag, let isMultiple):
      let isDoneAgain = tagIDs[tag].map(doneIDs.contains) == true
      try expect(!isMultiple && (settleable.contains(tag) || isDoneAgain), "an ack of \(tag), which nothing allows")
    case .basicReject(let tag, requeue: false):
      let hasFailed = rejectable.contains(tag) || tagIDs[tag].map(failedIDs.contains) == true
      try expect(hasFailed && runner.options.attempts.onFailure == .reject, "a rejection that drops an item")
    case .basicNack(_, _, let requeues): try expect(requeues, "a rejection that drops an item")
    default: break
    }
  }

  /// An event of a worker, a copy, the clock or a signal.
  mutating func somethingOfOurs(_ random: inout Random) throws {
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<4:
      guard let slot = workers.keys.sorted().randomElement(using: &random) else { return }
      switch Int.random(in: 0..<12, using: &random) {
      case 11: try handle(.outputLost(place: "standard output", reason: "no", slot: slot))
      case 8: try handle(.stepUnavailable(StepPlace("s", in: "/run"), reason: "no", slot: slot))
      case 9: try handle(.stepFailed(StepFailure(step: "s", end: .lost), slot: slot))
      case 10: try handle(.stepFailed(StepFailure(step: "s", end: .ended(.exited(3))), slot: slot))
      case 0: try handle(.commandRefused(.notExecutable, reason: "no", slot: slot))
      case 1: try handle(.workerDidNotStart(reason: "no", slot: slot))
      case 2: try handle(.workerEnded(.killed(.kill), slot: slot))
      case 3, 4: try handle(.workerEnded(.exited(random.one(of: [1, 65, 77])), slot: slot))
      default: try handle(.workerEnded(.exited(0), slot: slot))
      }
    case 4..<7:
      guard let slot = moves.keys.sorted().randomElement(using: &random) else { return }
      try handle(random.chance(3, in: 4) ? .moveConfirmed(slot: slot) : .moveFailed(reason: "no", slot: slot))
    case 7, 8:
      let due = timers.map { "\($0)" }.sorted().randomElement(using: &random)
      pass(.milliseconds(random.size(upTo: 5_000)))
      if let timer = timers.first(where: { "\($0)" == due }) { try handle(.timer(timer)) }
    default:
      guard random.chance(1, in: 4) else {
        return try handle(.movesBlocked(reason: random.chance(1, in: 2) ? "low" : nil))
      }
      try handle(.signal(random.one(of: [.terminate, .interrupt, .hangup, .quit, .user1])))
    }
  }
}

extension Random {
  mutating func jobOptions() -> JobOptions {
    var options = JobOptions(brokers: [BrokerURL(host: "h")], queue: "q")
    options.extent = one(of: [.count(1), .count(3), .drain, .forever])
    options.parallelism = Int.random(in: 1...3, using: &self)
    if case .count = options.extent { options.whenEmpty = one(of: [.wait, .exit]) }
    options.worker.onTerm = one(of: [nil, .stop, .finish])
    options.worker.onDisconnect = one(of: [.stop, .finish])
    options.worker.timeout = one(of: [nil, .seconds(1)])
    if chance(1, in: 3) {
      var batch = JobOptions.Batch()
      batch.size = Int.random(in: 1...4, using: &self)
      batch.wait = one(of: [.zero, .milliseconds(500), .seconds(3)])
      options.worker.batch = batch
    }
    options.attempts.areRequired = chance(1, in: 4)
    options.attempts.onFailure = one(of: [nil, nil, .requeue, .reject])
    options.attempts.keepsStandardError = chance(1, in: 8)
    options.attempts.maxAge = one(of: [nil, nil, .zero, .seconds(60)])
    options.attempts.runsMalformed = chance(1, in: 4)
    options.connection.credentialsMayChange = chance(1, in: 2)
    if chance(1, in: 6) { options.queueOrigin = one(of: [.any, .anyTold, .own(OwnQueue(isExclusive: true))]) }
    return options
  }
}
