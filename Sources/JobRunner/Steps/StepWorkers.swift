internal import Broker
internal import Linux
internal import Steps

/// The items that are in steps, which are workers in other containers. Each step gets its input as an open file, and its output goes
/// into a file that is the next one's input.
struct StepWorkers {
  enum Event {
    /// All steps have answered.
    case ready
    /// A step does not answer at first. This is told once for each.
    case silent(step: StepPlace, String)
    /// A step answers of which it was told that it does not.
    case answered(step: StepPlace)
    case refused(step: StepPlace, String)
    /// An item has passed all steps. `output` is what the last one has written, if the runner's own command follows.
    case passed(WorkItem, output: OutputFile?, slot: Int)
    case failed(StepFailure, slot: Int)
    /// The worker of a step could not be started.
    case notStarted(SystemError, step: StepPlace, slot: Int)
    /// There is no room for what the step will write.
    case outputNotKept(SystemError, step: StepPlace, slot: Int)
    /// A step has not come back for as long as the runner waits.
    case unavailable(step: StepPlace, String, slot: Int)
  }

  private struct Passage {
    let item: WorkItem
    var sequence: StepSequence
    var input: Descriptor
    var output: OutputFile?
    /// The step is not there, and this is the time until which the item waits for it.
    var waitsUntil: ContinuousClock.Instant?
    /// The step is there, and takes no items at the moment.
    var retryAt: ContinuousClock.Instant?
    /// The time until which the step has to report the end of a worker that it was told to kill.
    var killLimit: ContinuousClock.Instant?
  }

  /// How long a step may take to report the end of a worker that it was told to kill.
  private static let killLimit: Duration = .seconds(5)
  /// When an item is offered again that a step could not take at once.
  private static let retryPause: Duration = .milliseconds(20)

  private let links: [StepLink]
  private let hasCommand: Bool
  private let keepsOutput: Bool
  private let spoolDirectory: String
  /// How long an item waits for a step that went away.
  private let limit: Duration
  private var passages: [Int: Passage] = [:]
  private var hasBeenReady = false
  /// The steps that were told to be silent.
  private var told: Set<Int> = []

  init(
    _ places: [StepPlace], hasCommand: Bool, keepsOutput: Bool = false, spoolDirectory: String, limit: Duration,
    version: String,
    now: ContinuousClock.Instant
  ) {
    links = places.map { StepLink($0, version: version, now: now) }
    (self.hasCommand, self.spoolDirectory, self.limit) = (hasCommand, spoolDirectory, limit)
    self.keepsOutput = keepsOutput || hasCommand
  }

  // MARK: Waiting

  var interests: [PollInterest] { links.compactMap(\.interest) }

  var deadline: ContinuousClock.Instant? {
    (links.map(\.deadline) + passages.values.flatMap { [$0.waitsUntil, $0.killLimit, $0.retryAt] }).compactMap(\.self)
      .min()
  }

  /// To be called when one of the interests is readable, and at the deadline.
  mutating func process(now: ContinuousClock.Instant, _ outputs: inout WorkerOutputs) -> [Event] {
    var events: [Event] = []
    for index in links.indices {
      for event in links[index].process(now: now) { events += handle(event, from: index, now: now, &outputs) }
    }
    if !hasBeenReady { events += newlySilent(now: now) }
    for (slot, passage) in passages {
      if let time = passage.killLimit, time <= now {
        let step = passage.sequence.current
        for event in links[step].drop(now: now) { events += handle(event, from: step, now: now, &outputs) }
      } else if let time = passage.waitsUntil, time <= now {
        let link = links[passage.sequence.current]
        passages[slot] = nil
        events.append(.unavailable(step: link.place, link.failure, slot: slot))
      } else if let time = passage.retryAt, time <= now {
        events += send(slot: slot, now: now, &outputs)
      }
    }
    return events
  }

  /// Containers of a pod do not start at the same moment, so a step has a little time before it counts as silent.
  private mutating func newlySilent(now: ContinuousClock.Instant) -> [Event] {
    let silent = links.indices.filter { !links[$0].isReady && !told.contains($0) && links[$0].isSilent(now: now) }
    told.formUnion(silent)
    return silent.map { .silent(step: links[$0].place, links[$0].explainedFailure) }
  }

  private mutating func handle(
    _ event: StepLink.Event, from step: Int, now: ContinuousClock.Instant, _ outputs: inout WorkerOutputs
  ) -> [Event] {
    switch event {
    case .ready:
      let waiting = passages.filter { $0.value.waitsUntil != nil && $0.value.sequence.current == step }.keys.sorted()
      let isAwaited = !hasBeenReady && told.contains(step)
      let isFirst = !hasBeenReady && links.allSatisfy(\.isReady)
      if isFirst { hasBeenReady = true }
      return (isAwaited ? [.answered(step: links[step].place)] : []) + (isFirst ? [.ready] : [])
        + waiting.flatMap { send(slot: $0, now: now, &outputs) }
    case .lost:
      let lost = passages.filter { $0.value.waitsUntil == nil && $0.value.sequence.current == step }.keys.sorted()
      return lost.map { fail(slot: $0, .lost, &outputs) }
    case .refused(let reason): return [.refused(step: links[step].place, reason)]
    case .message(.ended(let status, let slot)): return ended(status, from: step, slot: slot, now: now, &outputs)
    case .message(.notStarted(let error, let slot)): return notStarted(error, in: step, slot: slot, now: now, &outputs)
    case .message: return []
    }
  }

  private mutating func notStarted(
    _ error: SystemError, in step: Int, slot: Int, now: ContinuousClock.Instant, _ outputs: inout WorkerOutputs
  ) -> [Event] {
    guard isAt(step, slot), var passage = passages[slot] else { return [] }
    _ = outputs.finishStep(slot: slot)
    guard error.isCanceled else {
      passages[slot] = nil
      return [.notStarted(error, step: links[step].place, slot: slot)]
    }
    // The step is about to end. The item waits for the next one.
    if let interruption = passage.sequence.interruption {
      return [fail(slot: slot, .ended(.killed(interruption)), &outputs)]
    }
    (passage.waitsUntil, passage.retryAt) = (now + limit, now + Self.retryPause)
    passages[slot] = passage
    return []
  }

  private func isAt(_ step: Int, _ slot: Int) -> Bool {
    passages[slot].map { $0.sequence.current == step && $0.waitsUntil == nil } ?? false
  }

  // MARK: Items

  /// - Throws: `SystemError`
  mutating func begin(
    _ item: WorkItem, _ body: ReceivedBody, slot: Int, now: ContinuousClock.Instant, _ outputs: inout WorkerOutputs
  ) throws -> [Event] {
    let input = try body.passedDescriptor()
    passages[slot] = Passage(
      item: item, sequence: StepSequence(stepCount: links.count, hasCommand: hasCommand), input: input)
    return send(slot: slot, now: now, &outputs)
  }

  mutating func signal(_ signal: Signal, slot: Int, now: ContinuousClock.Instant, _ outputs: inout WorkerOutputs)
    -> [Event]
  {
    guard var passage = passages[slot] else { return [] }
    passage.sequence.signalled(signal)
    if signal == .kill { passage.killLimit = now + Self.killLimit }
    passages[slot] = passage
    // Nothing runs while the item waits for a step.
    guard passage.waitsUntil == nil else {
      return passage.sequence.interruption.map { [fail(slot: slot, .ended(.killed($0)), &outputs)] } ?? []
    }
    _ = links[passage.sequence.current].send(.signal(signal, slot: slot))
    return []
  }

  /// Hands the item to its current step, or lets it wait for that step.
  private mutating func send(slot: Int, now: ContinuousClock.Instant, _ outputs: inout WorkerOutputs) -> [Event] {
    guard var passage = passages[slot] else { return [] }
    let step = passage.sequence.current
    if links[step].isReady, step + 1 < links.count || keepsOutput {
      do throws(SystemError) { passage.output = try OutputFile(in: spoolDirectory) } catch {
        passages[slot] = nil
        return [.outputNotKept(error, step: links[step].place, slot: slot)]
      }
    }
    do throws(SystemError) {
      let isSent = links[step].isReady ? try hand(passage, to: step, slot: slot, &outputs) : false
      passage.waitsUntil = isSent ? nil : passage.waitsUntil ?? now + limit
      passage.retryAt = isSent || !links[step].isReady ? nil : now + Self.retryPause
      passages[slot] = passage
      return []
    } catch {
      passages[slot] = nil
      return [.notStarted(error, step: links[step].place, slot: slot)]
    }
  }

  private func hand(
    _ passage: Passage, to step: Int, slot: Int, _ outputs: inout WorkerOutputs
  ) throws(SystemError) -> Bool {
    var streams: StepMessage.Streams = []
    var descriptors = [try MemoryFile.make(StepEnvironment.encoded(passage.item.variables)), passage.input]
    if let writer = passage.output?.writer {
      streams.insert(.output)
      descriptors.append(writer)
    }
    let pipe = try outputs.openError(ofStepIn: slot)
    if let writer = pipe?.writer {
      streams.insert(.error)
      descriptors.append(writer)
    }
    defer {
      passage.output?.closeWriter()
      pipe?.closeWriter()
    }
    guard links[step].send(.run(streams: streams, slot: slot), passing: descriptors) else {
      outputs.discard(slot: slot)
      return false
    }
    return true
  }

  private mutating func ended(
    _ status: ProcessStatus, from step: Int, slot: Int, now: ContinuousClock.Instant, _ outputs: inout WorkerOutputs
  ) -> [Event] {
    guard isAt(step, slot), var passage = passages[slot] else { return [] }
    switch passage.sequence.ended(status) {
    case .failed(let status): return [fail(slot: slot, .ended(status), &outputs)]
    case .passed:
      _ = outputs.finishStep(slot: slot)
      passages[slot] = nil
      return [.passed(passage.item, output: passage.output, slot: slot)]
    case .step:
      _ = outputs.finishStep(slot: slot)
      do throws(SystemError) {
        if let output = passage.output { passage.input = try output.rewoundReader() }
      } catch {
        passages[slot] = nil
        return [.notStarted(error, step: links[step].place, slot: slot)]
      }
      passage.output = nil
      passages[slot] = passage
      return send(slot: slot, now: now, &outputs)
    }
  }

  private mutating func fail(slot: Int, _ end: StepFailure.End, _ outputs: inout WorkerOutputs) -> Event {
    let step = passages[slot].map { links[$0.sequence.current].place.name } ?? ""
    passages[slot] = nil
    return .failed(StepFailure(step: step, end: end, standardError: outputs.finishStep(slot: slot)), slot: slot)
  }

  /// Tells the steps that the runner has ended.
  func end() { for link in links { link.end() } }
}

extension ReceivedBody {
  /// A file at the beginning of the body, for another process.
  fileprivate func passedDescriptor() throws(SystemError) -> Descriptor {
    switch self {
    case .memory(let bytes): return try MemoryFile.make(bytes)
    case .file(let file):
      try file.letOthersRead()
      return try file.rewoundReader()
    }
  }
}
