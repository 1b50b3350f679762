internal import AMQP
internal import Broker
package import Console
internal import Linux
internal import Telemetry

/// Carries out a runner's decisions. One thread polls the broker's sockets, the workers' inputs, signals and timers.
package final class EventLoop {
  let configuration: Configuration
  let log: (LogEntry) -> Void
  private let signals: SignalReceiver
  private let processes: ProcessGroups
  var runner: Runner
  var timers = Timers()
  var link: BrokerLink?
  var copies: Copies
  /// The connections that are no longer needed.
  var closing = ClosingLinks()
  var channels: SharedChannels
  var workers: Workers
  var bodies: Bodies
  private var signs: SignsOfLife
  /// The events that were caused by performing an action.
  var followUps: [RunnerEvent] = []
  var stage = Stage.working

  enum Stage {
    case working
    /// The runner waits until all connections are closed.
    case closing
    case ended(ExitStatus)
  }

  /// Takes over the process's signals and child processes.
  /// - Throws: `SystemError`
  package init(
    _ options: JobOptions, _ configuration: Configuration, log: @escaping (LogEntry) -> Void
  ) throws {
    self.configuration = configuration
    self.log = log
    signals = try SignalReceiver(Signal.passedOn + [.terminalInput])
    processes = ProcessGroups(receiver: signals)
    // The name look-up, the connection, the guardian and a worker's input need about ten descriptors. Without these the runner does
    // not begin.
    _ = try SpareDescriptors(count: 16)
    copies = try Copies(access: configuration.access)
    workers = Workers(
      processes, configuration.worker, configuration.environment, configuration.feed,
      configuration.stepWorkers(
        limit: options.connection.connectTimeout, keepsOutput: options.results != nil),
      configuration.workerOutputs(publishesResults: options.results != nil),
      keepingResultsIn: options.results == nil ? nil : configuration.spoolDirectory)
    bodies = Bodies(
      directory: configuration.spoolDirectory, areNamed: configuration.feed == .file,
      largest: configuration.largestItem ?? .max)
    signs = try SignsOfLife(configuration.signs)
    // A broker that limits the consumers of a channel closes the connection, and a queue that deletes itself goes with it.
    channels = SharedChannels(
      slotCount: options.slotCount, batchSize: options.worker.batch?.size ?? 1, mayShare: !options.mayDeleteItself)
    runner = Runner(options, now: .now, jitter: { .random(in: 0...1) })
  }

  /// Runs until the runner has finished, and returns its exit status.
  /// - Throws: `SystemError`
  package func run() throws -> ExitStatus {
    defer {
      bodies.releaseAll()
      signs.end()
      configuration.output.line?.end()
    }
    perform(runner.start(now: .now))
    while true {
      if case .ended(let status) = stage { return end(status) }
      try turn()
      showSigns()
      // Starting the guardian takes 0.1 ms, which pass while the broker prepares its first answer.
      if link?.isTalking == true, !processes.isGuarded { try processes.startGuardian() }
    }
  }

  private func end(_ status: ExitStatus) -> ExitStatus {
    workers.outputs.flush()
    workers.endSteps()
    processes.stop()
    return status
  }

  private var hasEnded: Bool { if case .ended = stage { true } else { false } }

  private func turn() throws {
    link?.isPaused = bodies.areFull
    var interests = [signals.interest]
    let linkIndex = interests.add(link?.interest)
    let copiesIndex = interests.add(copies.interest)
    let firstClosing = interests.count
    interests += closing.interests
    let inputs = workers.interests
    let firstInput = interests.count
    interests += inputs.map(\.interest)
    let outputs = workers.outputs.interests
    let firstOutput = interests.count
    interests += outputs.map(\.interest)
    interests += workers.stepInterests
    let deadlines = [
      timers.next, link?.deadline, copies.deadline, closing.deadline, signs.next, workers.stepDeadline,
    ]
    let readiness = try retryingOnShortage { try poll(interests, until: deadlines.compactMap(\.self).min()) }

    // The broker comes first. An item that it has taken back must not be settled by a worker that ends at the same moment.
    processLink(linkIndex.map { readiness[$0] } ?? PollReadiness())
    for outcome in copies.process(copiesIndex.map { readiness[$0] } ?? PollReadiness()) { handlePublished(outcome) }
    closing.process(readiness[firstClosing..<firstInput], now: .now)
    if readiness[0].readable { receiveSignals() }
    for event in stepEvents(workers.processSteps(now: .now)) { handle(event) }
    for (input, readiness) in zip(inputs, readiness[firstInput..<firstOutput]) where readiness.writable {
      try workers.feed(slot: input.slot)
    }
    for (output, readiness) in zip(outputs, readiness[firstOutput...]) where !readiness.isEmpty {
      try workers.outputs.process(output.source)
    }
    handleOutputs()
    while !hasEnded, let timer = timers.takeDue(.now) { handle(.timer(timer)) }
    discard(copies.takeDiscarded())
    if case .closing = stage, closing.isEmpty { handle(.connectionsClosed) }
  }

  /// How long the broker may take to answer the close of a connection while other things go on.
  static let closeLimit: Duration = .seconds(5)

  func discard(_ links: [BrokerLink]) {
    for link in links { closing.add(link, limit: .now + Self.closeLimit) }
  }

  private func showSigns() {
    for complaint in signs.turned(runner, now: .now) { log(LogEntry(.warning, "\(complaint); the work goes on")) }
  }

  // MARK: Events

  private func receiveSignals() {
    for signal in signals.receive() where signal != .child {
      if signal == .terminalInput { logState() } else { handle(.signal(signal)) }
    }
    for worker in workers.stopped() {
      handle(.workerStopped(worker.signal, terminal: workers.terminalHolder(slot: worker.slot), slot: worker.slot))
    }
    // A worker that has ended has kept its time limit, however long its output takes.
    for slot in workers.reap() { timers.cancel(.workerLimit(slot: slot)) }
    handleOutputs()
  }

  private func logState() {
    let now = ContinuousClock.now
    let connection = link.map { $0.isOpen ? "open" : "not open" } ?? "none"
    log(LogEntry(.notice, "\(runner.state(now: now, timers: timers.all)); connection: \(connection)"))
  }

  func handle(_ event: RunnerEvent) {
    followUps.append(event)
    handleFollowUps()
  }

  func handleFollowUps() {
    while !hasEnded, !followUps.isEmpty {
      let event = followUps.removeFirst()
      perform(runner.handle(event, now: .now))
    }
  }

  // MARK: Actions

  private func perform(_ actions: [RunnerAction]) {
    for action in actions { perform(action) }
    // Everything that the actions sent goes out in one write.
    link?.flush()
  }

  private func perform(_ action: RunnerAction) {
    switch action {
    case .connect(let opening): connect(opening)
    case .disconnect: disconnect()
    case .send(let methods): send(methods)
    case .closeConnection: link?.close()
    case .closeConnections: closeConnections()
    case .startWorker(let item, let slot): startWorker(on: item, slot: slot)
    case .startBatch(let items, let slot): startBatch(items, slot: slot)
    case .move(let item, let move, let slot): publish(item, move, slot: slot)
    case .askForPermission: askForPermission()
    case .dropMove(let slot): copies.drop(slot: slot)
    case .releaseBody(let slot): bodies.release(slot: slot)
    case .endOfWork: processes.dismissGuardian()
    case .signalWorker(let signal, let slot):
      hurryResult(signal, slot: slot)
      if signal == .kill, workers.dropOutput(slot: slot) { followUps.append(.workerEnded(.killed(.kill), slot: slot)) }
      followUps += stepEvents(workers.signal(signal, slot: slot))
    case .lendTerminal(let slot): workers.lendTerminal(slot: slot)
    case .suspend(let slot): workers.suspend(slot: slot)
    case .set(let timer, let delay): timers.set(timer, at: .now + delay)
    case .cancel(let timer): timers.cancel(timer)
    case .log(let entry): log(entry)
    case .record(let record):
      signs.add(record)
      configuration.listeners.record(record)
    case .progress(let work): configuration.listeners.progress(work)
    case .queueNamed(let name): configuration.listeners.announceQueue(name)
    case .finish(let status): stage = .ended(status)
    }
  }

  /// The item with the span of the attempt that begins, if it has one.
  func beginSpan(of item: WorkItem, slot: Int) -> WorkItem {
    var item = item
    item.span = configuration.listeners.beginSpan(item)
    if let span = item.span { followUps.append(.spanBegun(span, slot: slot)) }
    return item
  }

  private func startWorker(on item: WorkItem, slot: Int) {
    guard let body = bodies[slot] else { return violated("an item came without its body") }
    let item = beginSpan(of: item, slot: slot)
    do {
      let events = try retryingOnShortage {
        try workers.start(on: item, body, path: bodies.path(slot: slot), slot: slot)
      }
      followUps += stepEvents(events)
    } catch {
      followUps.append(publishingResult(before: .notStarted(error, slot: slot)))
    }
  }

  private func publish(_ item: WorkItem, _ move: Move, slot: Int) {
    guard let body = bodies.source(slot: slot), let link else {
      followUps.append(.moveFailed(reason: "the connection was lost", slot: slot))
      return
    }
    let result = runner.resultOfUnrun(in: slot, host: configuration.host)
    discard(
      copies.publish(
        item, move, body: body, host: configuration.host, slot: slot, then: result, beside: link,
        parameters(link.broker)))
  }

  private func askForPermission() {
    guard let link else { return followUps.append(.permission(.unknown(reason: "the connection was lost"))) }
    discard(copies.askForPermission(beside: link, parameters(link.broker)))
  }
}
