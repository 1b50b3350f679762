package import Console
package import Linux

/// Runs a command on the items that runners hand over through a Unix socket. It carries out what `StepService` decides, in one
/// thread with one poll(2).
package final class StepServer {
  /// What the server needs besides the decisions.
  package struct Configuration {
    package var path: String
    /// The command. The variables about the item are added to its environment.
    package var worker: ProcessGroups.Program
    /// How long a worker may take to end when the step was told a second time to end.
    package var grace: Duration
    /// The version of this program.
    package var version: String

    package init(path: String, worker: ProcessGroups.Program, grace: Duration, version: String) {
      (self.path, self.worker, self.grace, self.version) = (path, worker, grace, version)
    }
  }

  /// The maximum size of the variables about an item, in bytes. A runner sends a good quarter of a megabyte at most.
  static let maxVariablesSize = 1 << 20
  /// The maximum number of connections at the same time. Others wait, so that they cannot use up the descriptors.
  static let maxConnections = ProcessGroups.maxClients
  /// The maximum number of messages that are read from one runner before others are served. A socket holds fewer.
  static let maxMessagesAtOnce = 1024

  private let configuration: Configuration
  private let log: (LogEntry) -> Void
  private let signals: SignalReceiver
  private let processes: ProcessGroups
  private let listener: PacketListener
  private var service: StepService
  private var connections: [Int: StepConnection] = [:]
  private var nextConnection = 1
  /// The descriptors that came with the message that is being handled.
  private var passed: [Descriptor] = []
  private var graceEnd: ContinuousClock.Instant?
  private var isFinished = false

  /// Takes over the process's signals and child processes, and makes the socket.
  /// - Throws: `SystemError`. Its call is `bind`, `connect` or `listen` if the socket cannot be made.
  package init(_ configuration: Configuration, log: @escaping (LogEntry) -> Void) throws(SystemError) {
    self.configuration = configuration
    self.log = log
    signals = try SignalReceiver(Signal.passedOn)
    processes = ProcessGroups(receiver: signals)
    try processes.startGuardian()
    service = StepService(program: configuration.version)
    listener = try PacketListener(path: configuration.path, maxPacketSize: StepMessage.maxSize)
  }

  /// Runs until the runner has ended, or until a signal ends the step.
  /// - Throws: `SystemError`
  package func run() throws(SystemError) {
    log(LogEntry(.info, "waiting for items at \(configuration.path)"))
    while !isFinished { try turn() }
    processes.stop()
  }

  private func turn() throws(SystemError) {
    let ids = connections.keys.sorted()
    let peers = ids.compactMap { connections[$0]?.interest }
    let accepting = connections.count < Self.maxConnections
    let interests = [signals.interest] + peers + (accepting ? [listener.interest] : [])
    let readiness = try retryingOnShortage { () throws(SystemError) in try poll(interests, until: graceEnd) }
    // The end of a worker is told before the runner can send the slot's next item.
    if readiness[0].readable { reap() }
    for (id, readiness) in zip(ids, readiness.dropFirst()) where readiness.readable { receive(from: id) }
    if readiness[0].readable { receiveSignals() }
    if accepting, readiness.last?.readable == true { try accept() }
    if let end = graceEnd, end <= .now {
      graceEnd = nil
      handle(.graceElapsed)
    }
  }

  // MARK: Events

  /// A runner says that it ends before Kubernetes sends TERM to the sidecars of its pod. So that is read first, even if it has
  /// arrived only now.
  private func receiveSignals() {
    let arrived = signals.receive()
    // A worker may have ended since the last reaping, and its signal does not come again.
    if arrived.contains(.child) { reap() }
    let others = arrived.filter { $0 != .child }
    guard !others.isEmpty else { return }
    for id in connections.keys.sorted() { receive(from: id) }
    for signal in others where !isFinished { handle(.signal(signal)) }
  }

  private func reap() {
    for child in processes.reap() { handle(.ended(processID: child.processID, child.status)) }
  }

  private func accept() throws(SystemError) {
    guard let socket = try listener.accept() else { return }
    connections[nextConnection] = StepConnection(socket)
    processes.watch(nextConnection, socket)
    handle(.connected(runner: nextConnection))
    nextConnection += 1
  }

  private func receive(from id: Int) {
    for _ in 0..<Self.maxMessagesAtOnce {
      guard !isFinished, let connection = connections[id] else { return }
      switch connection.receive() {
      case .message(let message, let descriptors):
        passed = descriptors
        handle(.received(message, runner: id))
        passed = []
      case .unknown, .ended: handle(.disconnected(runner: id))
      case .nothing: return
      }
    }
  }

  private func handle(_ event: StepService.Event) {
    for action in service.handle(event) { perform(action) }
  }

  // MARK: Actions

  private func perform(_ action: StepService.Action) {
    switch action {
    case .send(let message, let id):
      guard connections[id]?.send(message) == false else { return }
      // A runner that is gone may have said before that it has ended. One that does not read counts as gone.
      receive(from: id)
      handle(.disconnected(runner: id))
    case .start(let streams, let slot, let id): start(streams, slot: slot, runner: id)
    case .signal(let signal, let processID): processes.send(signal, to: processID)
    case .disconnect(let id): disconnect(id)
    case .beginGrace: graceEnd = .now + configuration.grace
    case .log(let entry): log(entry)
    case .finish: isFinished = true
    }
  }

  private func disconnect(_ id: Int) {
    connections.removeValue(forKey: id)?.shutDown()
    processes.forgetClient(id)
  }

  private func start(_ streams: StepMessage.Streams, slot: Int, runner id: Int) {
    do throws(SystemError) {
      let processID = try start(streams, for: id)
      handle(.started(processID: processID, slot: slot, runner: id))
    } catch {
      handle(.notStarted(error, slot: slot, runner: id))
    }
  }

  private func start(_ streams: StepMessage.Streams, for id: Int) throws(SystemError) -> Int32 {
    guard passed.count == streams.descriptorCount else { throw .readFailed }
    var program = configuration.worker
    program.environment = StepEnvironment.merged(
      program.environment, with: try MemoryFile.read(passed[0], limit: Self.maxVariablesSize))
    let standard = ProcessGroups.Streams(
      input: passed[1], output: streams.contains(.output) ? passed[2] : nil,
      error: streams.contains(.error) ? passed.last : nil)
    return try retryingOnShortage { () throws(SystemError) in try processes.start(program, standard, for: id) }
  }
}
