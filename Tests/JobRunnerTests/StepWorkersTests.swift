import AMQP
import Broker
import Glibc
import Linux
import Steps
import Testing

@testable import JobRunner

/// A step that a test plays, at the end of a real socket.
private final class PlayedStep {
  let listener: PacketListener
  private(set) var connection: StepConnection?

  init(_ path: String) throws { listener = try PacketListener(path: path, maxPacketSize: StepMessage.maxSize) }

  /// Takes the connection that a runner has made.
  func accept(version: Int32 = StepMessage.version) throws {
    let accepted = StepConnection(try #require(try listener.accept()))
    #expect(accepted.send(.hello(version: version, program: "other")))
    connection = accepted
    guard case .message(.hello(StepMessage.version, program: "1"), _)? = connection?.receive() else {
      Issue.record("the runner has not said hello")
      return
    }
  }

  func hangUp() { connection = nil }

  /// The next message, and the bytes of its descriptors.
  func next() throws -> (StepMessage, [[UInt8]])? {
    guard case .message(let message, let descriptors)? = connection?.receive() else { return nil }
    return (message, try descriptors.prefix(2).map { try MemoryFile.read($0, limit: 1000) })
  }
}

@Suite struct StepWorkersTests {
  private let directory: String
  private var now = ContinuousClock.now
  private var outputs = WorkerOutputs(OutputPlan(form: .inherit, keptErrorSize: nil, publishesOutput: false), nil)

  init() throws {
    var template = Array("/tmp/amqp-job-test-XXXXXX".utf8CString)
    directory = String(cString: try #require(mkdtemp(&template)))
  }

  private func path(_ name: String) -> String { "\(directory)/\(name).sock" }

  private func workers(_ names: [String], hasCommand: Bool = false) -> StepWorkers {
    StepWorkers(
      names.map { StepPlace($0, in: directory) }, hasCommand: hasCommand, spoolDirectory: directory,
      limit: .seconds(30), version: "1", now: now)
  }

  private mutating func process(_ workers: inout StepWorkers, after pause: Duration = .seconds(1)) -> [String] {
    now += pause
    return workers.process(now: now, &outputs).map(\.word)
  }

  private mutating func begin(_ workers: inout StepWorkers, slot: Int = 0) throws -> [String] {
    let envelope = Envelope(
      consumerTag: "c", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")
    let item = WorkItem(envelope: envelope, properties: BasicProperties(), queue: "q")
    return try workers.begin(item, .memory([7, 0]), slot: slot, now: now, &outputs).map(\.word)
  }

  /// The steps have answered.
  private mutating func ready(_ workers: inout StepWorkers, _ steps: PlayedStep...) throws {
    _ = process(&workers)
    for step in steps { try step.accept() }
    #expect(process(&workers).last == "ready")
  }

  @Test("All steps have to answer") mutating func allStepsHaveToAnswer() throws {
    var workers = workers(["a", "b"])
    let first = try PlayedStep(path("a"))
    _ = process(&workers, after: .zero)
    try first.accept()
    #expect(process(&workers) == ["silent b"])
    #expect(process(&workers) == [])
    let second = try PlayedStep(path("b"))
    #expect(process(&workers) == [])
    try second.accept()
    #expect(process(&workers) == ["answered b", "ready"])
    rmdir(directory)
  }

  @Test("A step that nobody has begun is said to be so")
  mutating func whyAStepIsSilent() throws {
    var workers = workers(["a"])
    let reasons = workers.process(now: now + .seconds(2), &outputs).compactMap { event in
      if case .silent(_, let reason) = event { reason } else { nil }
    }
    #expect(reasons.count == 1 && reasons[0].contains("ended with its last runner"), "\(reasons)")
    rmdir(directory)
  }

  @Test("A step that answers after all is no longer a silent one")
  mutating func answersAfterAll() throws {
    var workers = workers(["a", "b"])
    #expect(process(&workers) == ["silent a", "silent b"])
    let first = try PlayedStep(path("a"))
    _ = process(&workers)
    try first.accept()
    #expect(process(&workers) == ["answered a"])
    rmdir(directory)
  }

  @Test("A step of another version is refused") mutating func aStepOfAnotherVersionIsRefused() throws {
    var workers = workers(["a"])
    let step = try PlayedStep(path("a"))
    _ = process(&workers)
    try step.accept(version: 2)
    #expect(process(&workers).first?.hasPrefix("refused a: it is amqp-job other and speaks version 2") == true)
    rmdir(directory)
  }

  @Test("An item passes the steps in turn") mutating func anItemPassesTheStepsInTurn() throws {
    var workers = workers(["a", "b"])
    let (first, second) = (try PlayedStep(path("a")), try PlayedStep(path("b")))
    try ready(&workers, first, second)
    #expect(try begin(&workers) == [])
    let (message, bytes) = try #require(try first.next())
    #expect(message == .run(streams: .output, slot: 0) && bytes[1] == [7, 0])
    #expect(String(decoding: bytes[0], as: UTF8.self).contains("WORK_ITEM_QUEUE=q\0"))
    #expect(try second.next() == nil)
    #expect(first.connection?.send(.ended(.exited(0), slot: 0)) == true)
    #expect(process(&workers) == [])
    #expect(try second.next()?.0 == .run(streams: [], slot: 0))
    #expect(second.connection?.send(.ended(.exited(0), slot: 0)) == true)
    #expect(process(&workers) == ["passed 0"])
    rmdir(directory)
  }

  @Test("A step that goes away is lost and the next item waits for it")
  mutating func aStepThatGoesAwayIsLostAndTheNextItemWaitsForIt() throws {
    var workers = workers(["a"])
    let step = try PlayedStep(path("a"))
    try ready(&workers, step)
    _ = try begin(&workers)
    step.hangUp()
    #expect(process(&workers, after: .zero) == ["failed a lost 0"])
    #expect(try begin(&workers) == [])
    #expect(process(&workers) == [])
    try step.accept()
    #expect(process(&workers) == [])
    #expect(try step.next()?.0 == .run(streams: [], slot: 0))
    rmdir(directory)
  }

  @Test("A step that does not come back is unavailable") mutating func aStepThatDoesNotComeBackIsUnavailable() throws {
    var workers = workers(["a"])
    var step: PlayedStep? = try PlayedStep(path("a"))
    try ready(&workers, try #require(step))
    step = nil
    _ = process(&workers)
    _ = try begin(&workers)
    #expect(process(&workers, after: .seconds(29)) == [])
    #expect(process(&workers) == ["unavailable a: No such file or directory 0"])
    rmdir(directory)
  }

  @Test("An item that waits for a step is ended by a signal", arguments: [Signal.terminate, .interrupt, .kill])
  mutating func anItemThatWaitsForAStepIsEndedByASignal(signal: Signal) throws {
    var workers = workers(["a"])
    let step = try PlayedStep(path("a"))
    try ready(&workers, step)
    step.hangUp()
    _ = process(&workers, after: .zero)
    _ = try begin(&workers)
    #expect(workers.signal(.user1, slot: 0, now: now, &outputs).isEmpty)
    #expect(workers.signal(signal, slot: 0, now: now, &outputs).map(\.word) == ["failed a \(signal) 0"])
    rmdir(directory)
  }

  @Test("A step that reports no end after a kill is lost") mutating func aStepThatReportsNoEndAfterAKillIsLost() throws
  {
    var workers = workers(["a"])
    let step = try PlayedStep(path("a"))
    try ready(&workers, step)
    _ = try begin(&workers)
    #expect(workers.signal(.kill, slot: 0, now: now, &outputs).isEmpty)
    #expect(process(&workers, after: .seconds(4)) == [])
    #expect(process(&workers) == ["failed a lost 0"])
    rmdir(directory)
  }

  @Test("A step that is about to end costs no attempt") mutating func aStepThatIsAboutToEndCostsNoAttempt() throws {
    var workers = workers(["a"])
    let step = try PlayedStep(path("a"))
    try ready(&workers, step)
    _ = try begin(&workers)
    _ = try step.next()
    #expect(step.connection?.send(.notStarted(.canceled("step"), slot: 0)) == true)
    #expect(process(&workers, after: .zero) == [])
    step.hangUp()
    #expect(process(&workers, after: .milliseconds(1)) == [])
    _ = process(&workers)
    try step.accept()
    #expect(process(&workers) == [])
    #expect(try step.next()?.0 == .run(streams: [], slot: 0))
    rmdir(directory)
  }

  @Test("A worker that cannot be started is reported") mutating func aWorkerThatCannotBeStartedIsReported() throws {
    var workers = workers(["a"])
    let step = try PlayedStep(path("a"))
    try ready(&workers, step)
    _ = try begin(&workers)
    #expect(step.connection?.send(.notStarted(SystemError(call: "exec", code: ENOENT), slot: 0)) == true)
    #expect(process(&workers) == ["not started a: exec: No such file or directory 0"])
    rmdir(directory)
  }

  @Test("An output that finds no place is reported before the step begins")
  mutating func anOutputThatFindsNoPlaceIsReportedBeforeTheStepBegins() throws {
    var workers = StepWorkers(
      [StepPlace("a", in: directory)], hasCommand: true, spoolDirectory: directory + "/gone", limit: .seconds(30),
      version: "1", now: now)
    let step = try PlayedStep(path("a"))
    try ready(&workers, step)
    #expect(try begin(&workers) == ["not kept a: No such file or directory 0"])
    #expect(try step.next() == nil)
    rmdir(directory)
  }

  @Test("A step that speaks nonsense is lost") mutating func aStepThatSpeaksNonsenseIsLost() throws {
    var workers = workers(["a"])
    let step = try PlayedStep(path("a"))
    try ready(&workers, step)
    _ = try begin(&workers)
    #expect(step.connection?.send(.run(streams: [], slot: 0)) == true)
    #expect(process(&workers) == ["failed a lost 0"])
    rmdir(directory)
  }

  @Test("An end that belongs to no item is ignored") mutating func anEndThatBelongsToNoItemIsIgnored() throws {
    var workers = workers(["a", "b"])
    let (first, second) = (try PlayedStep(path("a")), try PlayedStep(path("b")))
    try ready(&workers, first, second)
    _ = try begin(&workers)
    #expect(second.connection?.send(.ended(.exited(0), slot: 0)) == true)
    #expect(first.connection?.send(.ended(.exited(0), slot: 9)) == true)
    #expect(process(&workers) == [])
    rmdir(directory)
  }

  /// The socket holds some hundred messages that nobody has read yet.
  @Test("A thousand items at once all reach the step") mutating func aThousandItemsAtOnceAllReachTheStep() throws {
    var workers = workers(["a"])
    let step = try PlayedStep(path("a"))
    try ready(&workers, step)
    for slot in 0..<1000 { #expect(try begin(&workers, slot: slot) == []) }
    var slots: Set<Int> = []
    for _ in 0..<1000 where slots.count < 1000 {
      while case .run(_, let slot)? = try step.next()?.0 { slots.insert(slot) }
      #expect(process(&workers, after: .milliseconds(20)) == [])
    }
    #expect(slots.count == 1000)
    rmdir(directory)
  }

  @Test("The steps are told of the end") mutating func theStepsAreToldOfTheEnd() throws {
    var workers = workers(["a"])
    let step = try PlayedStep(path("a"))
    try ready(&workers, step)
    workers.end()
    #expect(try step.next()?.0 == .end)
    rmdir(directory)
  }
}

extension StepWorkers.Event {
  fileprivate var word: String {
    switch self {
    case .ready: "ready"
    case .silent(let step, _): "silent \(step.name)"
    case .answered(let step): "answered \(step.name)"
    case .refused(let step, let reason): "refused \(step.name): \(reason)"
    case .passed(_, _, let slot): "passed \(slot)"
    case .failed(let failure, let slot):
      switch failure.end {
      case .lost: "failed \(failure.step) lost \(slot)"
      case .ended(.killed(let signal)): "failed \(failure.step) \(signal) \(slot)"
      case .ended(.exited(let code)): "failed \(failure.step) \(code) \(slot)"
      }
    case .notStarted(let error, let step, let slot): "not started \(step.name): \(error) \(slot)"
    case .outputNotKept(let error, let step, let slot): "not kept \(step.name): \(error.reason) \(slot)"
    case .unavailable(let step, let reason, let slot): "unavailable \(step.name): \(reason) \(slot)"
    }
  }
}
