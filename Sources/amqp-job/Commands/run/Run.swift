import AMQP
import Arguments
import Broker
import Console
import JobRunner
import Linux
import Telemetry

/// `amqp-job run`
enum Run: ToolCommand {
  static let name = "run"
  static let definition = Command(
    tool: Main.tool, name: name,
    summary: "Run a command on items of a queue, each on its standard input.",
    examples: ["amqp-job run -q fruits --timeout 10m -- ./worker.py --fast"],
    notes:
      "An item is acked when the command exits 0. Otherwise it is retried after \(retryDelay), and dead-lettered after "
      + "\(maxAttempts) attempts. On a queue that 'amqp-job declare' did not make, it is requeued at once. "
      + "Everything after -- belongs to the command.",
    operands: .optionalRest(name: command),
    groups: groups,
    exitStatuses: exitStatuses)

  private static let command = "COMMAND [ARG...]"

  static func run(_ arguments: Arguments) throws {
    try Spooling.checkMemory()
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let steps = try steps(&settings)
    let program = try program(arguments, &settings, hasSteps: !steps.isEmpty)
    let broker = try BrokerOptions(&settings)
    var options = try jobOptions(&settings, broker)
    let keptErrorSize = try keptErrorSize(&settings, &options)
    options.worker.hasSteps = !steps.isEmpty
    let feed = try feed(&settings, &options, program?.arguments ?? [], hasSteps: !steps.isEmpty)
    let reporter = try LogOptions.reporter(&settings)
    let progress = try report(&settings, &options, reporter)
    let form = try outputForm(&settings, hasSteps: !steps.isEmpty, hasCommand: program != nil, options)
    warn(program, broker, reporter)
    let workerEnvironment = try workerEnvironment(&settings, reporter)
    let spooling = try Spooling(
      directory: try settings.value(spoolDirectory), otherwise: settings.environment.temporaryDirectory,
      largestInMemory: try settings.value(spoolAbove), parallelism: options.slotCount)
    try spooling.check(named: feed.needsFiles || keepsOutput(of: steps, program), queue: options.queue)
    var configuration = EventLoop.Configuration(
      access: broker.access, heartbeat: broker.heartbeat,
      connectionName: "amqp-job run \(options.queue) on \(ThisProcess.hostName)",
      worker: program, environment: workerEnvironment, feed: feed,
      spoolDirectory: spooling.directory, largestBodyInMemory: spooling.largestInMemory,
      host: ThisProcess.hostName,
      signs: try signs(&settings, options, reporter))
    (configuration.steps.places, configuration.steps.version) = (steps, version)
    configuration.output = output(form, keptErrorSize, progress)
    configuration.listeners.progress = { progress?.show($0) }
    configuration.largestItem = try settings.value(maxItemSize).nonZero
    let records = try RunRecords(
      &settings, command: arguments.operands, options, reporter, progress)
    (configuration.listeners.record, configuration.listeners.beginSpan) = (records.add, records.beginSpan)
    try checkResultQueue(options, broker, reporter)
    let status = try run(options, configuration, reporter, progress)
    records.end(status)
    status.exit()
  }

  private static func warn(_ program: ProcessGroups.Program?, _ broker: BrokerOptions, _ reporter: Reporter) {
    broker.warn(reporter)
    if let unexpanded = UnexpandedVariable(program?.arguments ?? []) {
      reporter.report(LogEntry(.warning, "\(unexpanded.warning)"))
    }
  }

  /// A result queue that does not exist would make each attempt fail, however well the workers do. So would one that is there for
  /// the runners of another queue.
  private static func checkResultQueue(_ options: JobOptions, _ broker: BrokerOptions, _ reporter: Reporter) throws {
    guard case .queue(let queue)? = options.results?.target else { return }
    try BrokerConversation("amqp-job run", broker, reporter).hold(about: queue) {
      (conversation) throws(ConversationError) in
      try ReservedQueue(.queue(queue))?.check(
        conversation, cure: "give the results a queue of their own (\(resultQueue))")
      let isMissing = try conversation.ask { session throws(SessionError) in
        do throws(SessionError) {
          return try session.queueStatusIfPresent(queue, on: BrokerConversation.channel) == nil
        } catch .refused(let reason) where reason.code == .accessRefused {
          // The user may not have to look at the queue to publish to it.
          return false
        }
      }
      guard isMissing else { return }
      let family = WorkQueue(queue).family.name
      let declaration = family == queue ? "\(queue.shellWord) --plain" : family.shellWord
      throw .failed(
        Failure(
          .noQueue,
          """
          there is no queue '\(queue)' for the results at \(conversation.session.broker) (\(resultQueue)); \
          'amqp-job declare \(declaration)' makes it, and 'reply-to' stands for the queue that each item names
          """))
    }
  }

  /// - Throws: `Failure`
  private static func run(
    _ options: JobOptions, _ configuration: EventLoop.Configuration, _ reporter: Reporter, _ progress: RunProgress?
  ) throws -> ExitStatus {
    let log = progress?.report ?? reporter.report
    do { return try EventLoop(options, configuration, log: log).run() } catch let error as SystemError {
      throw Failure(
        .internalError,
        "the system refuses what the runner itself needs: \(error); "
          + "what it may have taken goes back to queue '\(options.queue)'")
    }
  }

  /// Sets what the runner tells. Returns what shows its progress, if the user asked for that.
  /// - Throws: `UsageError`
  private static func report(
    _ settings: inout Settings, _ options: inout JobOptions, _ reporter: Reporter
  ) throws -> RunProgress? {
    options.report.leastLogged = reporter.logger.threshold
    options.report.isWatched = reporter.isWatched
    options.report.recordsJobs = true
    guard try showsProgress(&settings, options) else { return nil }
    options.report.progressPeriod = RunProgress.period
    return RunProgress(options.queue, reporter)
  }

  /// Whether the user asked to be shown the progress.
  /// - Throws: `UsageError`
  static func showsProgress(_ settings: inout Settings, _ options: JobOptions) throws -> Bool {
    let isShown = try settings.value(progress)
    guard !isShown || options.extent != .forever else {
      throw UsageError("\(settings.naming(progress)) goes with \(count) or \(drain): \(forever) has no end")
    }
    return isShown
  }

  private static func output(
    _ form: OutputForm, _ keptErrorSize: Int?, _ progress: RunProgress?
  ) -> EventLoop.Configuration.Output {
    var output = EventLoop.Configuration.Output()
    (output.form, output.keptErrorSize, output.line) = (form, keptErrorSize, progress?.line)
    // What workers write themselves would go through the progress line.
    if case .inherit = form, progress?.line != nil { output.form = .terminals(RunProgress.terminals) }
    return output
  }

  /// The output of a step that another one or the command follows is kept in a file, whatever its size.
  private static func keepsOutput(of steps: [StepPlace], _ program: ProcessGroups.Program?) -> Bool {
    steps.count > 1 || !steps.isEmpty && program != nil
  }

  /// The worker's program. nil if there are steps and no command follows them.
  /// - Throws: `Failure`, `UsageError`
  private static func program(
    _ arguments: Arguments, _ settings: inout Settings, hasSteps: Bool
  ) throws -> ProcessGroups.Program? {
    // In -nj 2 the value of -n is 'j', and 2 would be the command.
    for option in [count, parallelism] where settings.isGiven(option) { _ = try settings.value(option) }
    guard !arguments.operands.isEmpty else {
      if hasSteps { return nil }
      throw UsageError("\(command) is missing")
    }
    return try ProcessGroups.Program(
      command: arguments.operands, searchPath: settings.environment.path, beforeItems: true)
  }

  private static func steps(_ settings: inout Settings) throws -> [StepPlace] {
    let directory = try settings.value(stepDirectory)
    let words = try settings.values(step)
    if words.isEmpty { try refuseAlone([stepDirectory], without: step.description, settings) }
    return try words.map { word in
      let place = StepPlace(word, in: directory)
      guard place.path.utf8.count <= PacketSocket.maxPathLength else {
        throw UsageError(
          "\(step) \(place.name): the path of a socket has at most \(PacketSocket.maxPathLength) bytes, this one has more: "
            + place.path)
      }
      return place
    }
  }

  /// The environment for the workers. The log names the settings that are withheld from them.
  private static func workerEnvironment(_ settings: inout Settings, _ reporter: Reporter) throws -> WorkerEnvironment {
    let passesSettings = try settings.value(passEnvironment)
    let environment = WorkerEnvironment(
      settings.environment.entries, usedSettings: settings.usedVariables, passesSettings: passesSettings)
    if !environment.withheld.isEmpty {
      let names = environment.withheld.joined(separator: ", ")
      let handingOn: Advice = " (\(.passEnvironment) hands them on)"
      reporter.report(LogEntry(.info, "withheld from the worker: \(names)\(handingOn)"))
    }
    return environment
  }

  private static func signs(
    _ settings: inout Settings, _ options: JobOptions, _ reporter: Reporter
  ) throws -> EventLoop.Configuration.Signs {
    var signs = EventLoop.Configuration.Signs(liveness: try liveness(&settings))
    signs.metrics = try MetricsOption.place(&settings, reporter) {
      RunnerMetrics(queue: options.queue, workerCount: options.parallelism, $0)
    }
    signs.pod = try pod(&settings)
    return signs
  }

  private static func liveness(_ settings: inout Settings) throws -> Liveness? {
    try settings.value(livenessFile).map { path in
      do {
        return try Liveness(path: path)
      } catch {
        let reason = SystemError.reason(of: error)
        throw Failure(
          .inputOutputError,
          "cannot make the liveness file \(path): \(reason)\(naming: .livenessFile); nothing was taken")
      }
    }
  }
}

extension Int {
  /// nil for 0, which means that there is no limit.
  fileprivate var nonZero: UInt64? { self == 0 ? nil : UInt64(self) }
}
