internal import AMQP
internal import Broker
public import Linux

/// Carries a runner's decisions out: one thread, one poll(2) over the broker's socket, the worker's
/// input, signals and timers.
public final class EventLoop {
  /// What the loop needs besides the decisions.
  public struct Configuration {
    /// Seconds.
    public var heartbeat: UInt16
    /// How the broker's management tools show the connection.
    public var connectionName: String
    /// The worker; its environment is filled in for each item.
    public var worker: ProcessGroups.Program
    public var environment: WorkerEnvironment

    public init(
      heartbeat: UInt16, connectionName: String,
      worker: ProcessGroups.Program, environment: WorkerEnvironment
    ) {
      self.heartbeat = heartbeat
      self.connectionName = connectionName
      self.worker = worker
      self.environment = environment
    }
  }

  private struct Worker {
    let processID: Int32
    let input: ChildInput
  }

  private let queue: String
  private let configuration: Configuration
  private let log: (LogEntry) -> Void
  private let signals: SignalReceiver
  private let processes: ProcessGroups
  private var runner: Runner
  private var timers = Timers()
  private var link: BrokerLink?
  private var worker: Worker?
  private var copy: ConfirmedPublish?
  /// Events that performing an action brought about.
  private var followUps: [RunnerEvent] = []
  private var result: ExitStatus?

  /// Takes over the process's signals and child processes.
  /// - Throws: `SystemError`
  public init(
    _ options: JobOptions, _ configuration: Configuration, log: @escaping (LogEntry) -> Void
  ) throws {
    queue = options.queue
    self.configuration = configuration
    self.log = log
    signals = try SignalReceiver([
      .terminate, .interrupt, .hangup, .quit, .user1, .user2, .windowChange, .resume,
    ])
    processes = ProcessGroups(receiver: signals)
    runner = Runner(options, chance: .random(in: 0...1))
  }

  /// Runs until the runner has finished, and returns its exit status.
  /// - Throws: `SystemError`
  public func run() throws -> ExitStatus {
    perform(runner.start(now: .now))
    while result == nil {
      try turn()
      // It takes 0.1 ms, which pass while the broker thinks of its first answer.
      if link?.isTalking == true, !processes.isGuarded { try processes.startGuardian() }
    }
    processes.stop()
    return result ?? .internalError
  }

  private func turn() throws {
    var interests = [signals.interest]
    let linkIndex = add(link?.interest, to: &interests)
    let inputIndex = add(worker?.input.interest, to: &interests)
    let copyIndex = add(copy?.interest, to: &interests)
    let deadlines = [timers.next, link?.deadline, copy?.deadline]
    let readiness = try poll(interests, until: deadlines.compactMap(\.self).min())

    // The broker first: an item that it has taken back must not be settled by a worker that ends in the same instant.
    processLink(linkIndex.map { readiness[$0] } ?? PollReadiness())
    processCopy(copyIndex.map { readiness[$0] } ?? PollReadiness())
    if readiness[0].readable { receiveSignals() }
    if let inputIndex, readiness[inputIndex].writable { try worker?.input.write() }
    while result == nil, let timer = timers.takeDue(.now) { handle(.timer(timer)) }
  }

  private func add(_ interest: PollInterest?, to interests: inout [PollInterest]) -> Int? {
    guard let interest else { return nil }
    interests.append(interest)
    return interests.count - 1
  }

  // MARK: Events

  private func processLink(_ readiness: PollReadiness) {
    guard let link else { return }
    for event in link.process(readiness, now: .now) {
      // An event may have ended the link that brought it.
      guard self.link === link else { return }
      switch event {
      case .connection(.opened): handle(.connected)
      case .connection(.method(let channel, let method)): handle(.method(method, channel: channel))
      case .connection(.delivered(_, let delivery)): handle(.delivered(delivery))
      case .connection(.closed): handle(.connectionClosed)
      case .connection(.returned): break
      case .failed(let failure):
        self.link = nil
        handle(.connectionFailed(failure))
      }
    }
  }

  private func processCopy(_ readiness: PollReadiness) {
    guard let outcome = copy?.process(readiness, now: .now) else { return }
    copy = nil
    handle(.copyPublished(outcome))
  }

  private func receiveSignals() {
    for signal in signals.receive() {
      guard signal != .child else { continue }
      handle(.signal(signal))
    }
    for child in processes.reap() where child.processID == worker?.processID {
      worker?.input.finish()
      worker = nil
      handle(.workerEnded(child.status))
    }
  }

  private func handle(_ event: RunnerEvent) {
    followUps.append(event)
    while result == nil, !followUps.isEmpty {
      let event = followUps.removeFirst()
      perform(runner.handle(event, now: .now))
    }
  }

  // MARK: Actions

  private func perform(_ actions: [RunnerAction]) {
    for action in actions { perform(action) }
    // Whatever the actions had to say goes out together.
    link?.flush()
  }

  private func perform(_ action: RunnerAction) {
    switch action {
    case .connect(let broker, let opening): connect(to: broker, opening)
    case .disconnect: link = nil
    case .send(let methods): send(methods)
    case .closeConnection: closeConnection()
    case .startWorker(let item): startWorker(item)
    case .publishCopy(let message, let broker):
      copy = ConfirmedPublish(message, to: queue, broker: broker, parameters(broker), now: .now)
    case .dropCopy: copy = nil
    case .endOfWork: processes.dismissGuardian()
    case .signalWorker(let signal): worker.map { signal.send(toGroup: $0.processID) }
    case .set(let timer, let delay): timers.set(timer, at: .now + delay)
    case .cancel(let timer): timers.cancel(timer)
    case .log(let entry): log(entry)
    case .finish(let status): result = status
    }
  }

  private func connect(to broker: BrokerURL, _ opening: [ChannelMethod]) {
    link = BrokerLink(broker: broker, parameters(broker, opening: opening), now: .now)
  }

  private func parameters(_ broker: BrokerURL, opening: [ChannelMethod] = []) -> Connection.Parameters {
    Connection.Parameters(
      url: broker, heartbeat: configuration.heartbeat, name: configuration.connectionName, opening: opening)
  }

  private func send(_ methods: [ChannelMethod]) {
    for method in methods {
      do {
        try link?.send(method.method, on: method.channel)
      } catch {
        // Names are checked when options are read, and nothing else of ours is long.
        preconditionFailure("\(method): \(error)")
      }
    }
  }

  private func closeConnection() {
    guard let link, link.isOpen, (try? link.close()) != nil else {
      followUps.append(.connectionClosed)
      return
    }
  }

  private func startWorker(_ item: WorkItem) {
    var program = configuration.worker
    program.environment = configuration.environment.entries(for: item)
    do {
      let input = try processes.makeInput(item.delivery.body)
      worker = Worker(processID: try processes.start(program, input: input), input: input)
    } catch let error as SystemError {
      followUps.append(.workerDidNotStart(reason: error.reason))
    } catch {
      followUps.append(.workerDidNotStart(reason: "\(error)"))
    }
  }
}
