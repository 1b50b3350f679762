import Arguments
import Broker
import JobRunner
import Linux

/// `amqp-job run`
enum Run: ToolCommand {
  static let definition = Command(
    tool: Main.tool, name: "run",
    summary: "Run a command on items of a queue, each its standard input.",
    examples: ["amqp-job run -q fruits --timeout 10m -- ./worker.py --fast"],
    notes:
      "An item is acked when the command exits 0. When it does not, the item is retried after --retry-delay, and after "
      + "--max-attempts dead-lettered; a queue that 'amqp-job declare' did not make gets it back at once. "
      + "Everything after -- is the command's.",
    operands: .rest(name: "COMMAND [ARG...]"),
    groups: [
      OptionGroup(
        "Options",
        [
          QueueName.option,
          Option("count", short: "n", value: "N", "how many items to take (default 1)").everyday,
          Option("drain", "take items until the queue is drained").everyday,
          Option("forever", "take items until told to end").everyday,
          Option("parallelism", short: "j", value: "J", "how many workers run side by side (default 1)").everyday,
          Option(
            "consumer-priority", value: "N", "how far before or behind other consumers items come here (default 0)"),
          Option(
            "when-empty", value: "wait|exit", "wait for an item, or exit 0 once the queue is drained (default wait)"),
          Option("wait-first", value: "DURATION", "grant a missing or empty queue this time at first (default 0)"),
          Option("drain-timeout", value: "DURATION", "how long the queue may take to be drained (default 0: any time)"),
          Option("timeout", value: "DURATION", "end a worker that takes longer over an item (default 0: never)")
            .everyday,
          Option("grace", value: "DURATION", "time from TERM to KILL for a worker, 0 for none (default 20s)"),
          Option("on-term", value: "stop|finish", "stop workers, or let them end (default stop; --forever: finish)"),
          Option(
            "feed", value: "stdin|file|arg",
            "how a worker gets its item: as its input (default), in a file that WORK_ITEM_FILE names, or in its "
              + "arguments in the place of each {}"),
          Option(
            "assume", value: "classic|quorum|declared",
            "what the queue is, instead of asking the broker: a durable one of that type, or what 'amqp-job declare' makes"
          ),
          Option("any-queue", "serve a queue that is not durable, or deletes itself, too: with it go its items"),
          Option("raw-status", "report a worker's status as it is, even 64 to 78 and 124 to 128"),
          Option("pass-env", "hand the settings of amqp-job on to the worker"),
          Option("liveness-file", value: "PATH", "keep this file fresh, for 'amqp-job check' to look at"),
        ]),
      OptionGroup(
        "Failures (on a queue that 'amqp-job declare' made)",
        [
          Option("retry-delay", value: "DURATION", "time until a failed item is retried, 0 for none (default 10s)")
            .everyday,
          Option("max-attempts", value: "A", "attempts until it is dead-lettered (default 3)").everyday,
          Option("reject-on", value: "CODES", "statuses to dead-letter at once, such as 2,65-70"),
          Option(
            "keep-stderr", value: "SIZE",
            "keep so much of the end of a worker's standard error in its dead letter (default 0: none; at most 64KiB)"),
          Option(
            "on-failure", value: "requeue|reject",
            "on any other queue: give a failed item back (the default), or reject it into the dead-letter exchange that the queue "
              + "has to have, else the broker drops it"),
        ]),
      OptionGroup(
        "Faults",
        [
          Option(
            "on-disconnect", value: "stop|finish",
            "stop workers whose connection is lost, or let them end (default stop)"),
          Option(
            "finish-window", value: "DURATION", "time for their items to come back then, 0 for none (default 60s)"),
          Option("spool-dir", value: "DIR", "where large items are kept (TMPDIR, or /tmp)"),
          Option("spool-above", value: "SIZE", "largest item that is kept in memory (default 1MiB)"),
          Option(
            "max-item-size", value: "SIZE",
            "largest item that is taken; a larger one is dead-lettered, or goes to the queue's tail (default 0: any size)"
          ),
        ]), BrokerOptions.group, LogOptions.group(verbose: "every item and every step"),
    ],
    exitStatuses: exitStatuses)

  static func run(_ arguments: Arguments) throws {
    try Spooling.checkMemory()
    let environment = ThisProcess.environment
    var settings = Settings(arguments, environment: environment)
    let program = try ProcessGroups.Program(
      command: arguments.operands, searchPath: settings.surroundings.path)
    let broker = try BrokerOptions(&settings)
    var options = try jobOptions(&settings, broker)
    let keptErrorSize = try self.keptErrorSize(&settings, &options)
    let feed: Feed = try settings.choice("feed") ?? .stdin
    guard feed != .arg || ArgumentTemplate(program.arguments).hasPlaceholder else {
      throw UsageError("--feed arg puts the item in the place of {}, and the command has no argument with {}")
    }
    let reporter = try LogOptions.reporter(&settings)
    options.report.leastLogged = reporter.logger.threshold
    options.report.isWatched = reporter.isWatched
    let passesSettings = try settings.flag("pass-env")
    let workerEnvironment = WorkerEnvironment(
      environment, usedSettings: settings.used, passesSettings: passesSettings)

    broker.warn(reporter)
    if !workerEnvironment.withheld.isEmpty {
      let names = workerEnvironment.withheld.joined(separator: ", ")
      reporter.report(LogEntry(.info, "withheld from the worker: \(names) (--pass-env hands them on)"))
    }
    let spooling = try Spooling(
      directory: try settings.text("spool-dir"), otherwise: settings.surroundings.temporaryDirectory,
      largestInMemory: try settings.size("spool-above") ?? Spooling.largestInMemory, parallelism: options.parallelism)
    try spooling.check(named: feed == .file, queue: options.queue)
    var configuration = EventLoop.Configuration(
      access: broker.access, heartbeat: broker.heartbeat,
      connectionName: "amqp-job run \(options.queue) on \(ThisProcess.hostName)",
      worker: program, environment: workerEnvironment, feed: feed,
      spoolDirectory: spooling.directory, largestBodyInMemory: spooling.largestInMemory,
      host: ThisProcess.hostName,
      liveness: try liveness(&settings))
    configuration.keptErrorSize = keptErrorSize
    configuration.largestItem = try settings.size("max-item-size").flatMap { $0 == 0 ? nil : UInt64($0) }
    do {
      try EventLoop(options, configuration, log: reporter.report).run().exit()
    } catch let error as SystemError {
      throw Failure(
        .internalError,
        "the system refuses what the runner itself needs: \(error); "
          + "what it may have taken goes back to queue '\(options.queue)'")
    }
  }

  private static func jobOptions(
    _ settings: inout Settings, _ broker: BrokerOptions
  ) throws -> JobOptions {
    var options = JobOptions(brokers: broker.access.brokers, queue: try QueueName.resolved(&settings))
    options.connection.credentialsMayChange = broker.access.mayLoginChange
    options.extent = try extent(&settings)
    options.parallelism = try settings.count("parallelism", upTo: Self.mostWorkers) ?? options.parallelism
    options.consumerPriority =
      try settings.value("consumer-priority", "a whole number, which may be negative") { Int32($0) } ?? 0
    if let whenEmpty: JobOptions.WhenEmpty = try settings.choice("when-empty") {
      guard case .count = options.extent else { throw UsageError("--when-empty goes with --count") }
      options.whenEmpty = whenEmpty
    }
    options.waitFirst = try settings.duration("wait-first") ?? options.waitFirst
    options.drainTimeout = try settings.limit("drain-timeout")
    guard options.drainTimeout == nil || options.endsWhenDrained else {
      throw UsageError("--drain-timeout goes with --drain, or --when-empty exit")
    }
    options.worker.timeout = try settings.limit("timeout")
    options.worker.grace = try settings.duration("grace") ?? options.worker.grace
    options.worker.onTerm = try settings.choice("on-term")
    options.worker.onDisconnect = try settings.choice("on-disconnect") ?? options.worker.onDisconnect
    options.worker.finishWindow = try settings.duration("finish-window") ?? options.worker.finishWindow
    options.connection.connectTimeout = broker.connectTimeout
    options.worker.rawStatus = try settings.flag("raw-status")
    options.attempts = try attempts(&settings)
    options.assumed = try settings.choice("assume").map { (kind: AssumedQueue) in kind.standing }
    if try settings.flag("any-queue") {
      guard options.assumed == nil else {
        throw UsageError("--any-queue and --assume exclude each other: what is assumed is a durable queue that stays")
      }
      options.queueOrigin = .anyTold
    }
    guard options.attempts.onFailure == nil || options.assumed != .declared else {
      throw UsageError("--on-failure is for queues without retries, and --assume says 'declared'")
    }
    return options
  }

  /// It goes into a frame with the item's own headers, and a frame has 128 KiB.
  private static let mostKeptErrors = 64 << 10

  /// In bytes; nil for nothing.
  private static func keptErrorSize(_ settings: inout Settings, _ options: inout JobOptions) throws -> Int? {
    guard let size = try settings.size("keep-stderr"), size > 0 else { return nil }
    guard size <= mostKeptErrors else { throw UsageError("--keep-stderr is at most 64KiB") }
    guard options.attempts.onFailure == nil else {
      throw UsageError(
        "--keep-stderr goes into dead letters that amqp-job publishes, and --on-failure has none published")
    }
    if case .plain? = options.assumed {
      throw UsageError("--keep-stderr goes into dead letters, and a queue as --assume says it is has none")
    }
    options.attempts.keepsStandardError = true
    return size
  }

  /// Each is a channel of the connection, and a place with the guardian.
  private static let mostWorkers = 1000

  private static func extent(_ settings: inout Settings) throws -> JobOptions.Extent {
    // An option outweighs what the environment says of another that it excludes.
    let given = ["count", "drain", "forever"].filter(settings.given.contains)
    func counts(_ name: String) -> Bool { given.isEmpty || given.contains(name) }
    let count = counts("count") ? try settings.count("count", upTo: .max) : nil
    let drains = counts("drain") ? try settings.flag("drain") : false
    let isEndless = counts("forever") ? try settings.flag("forever") : false
    guard [count != nil, drains, isEndless].count(where: { $0 }) <= 1 else {
      throw UsageError("--count, --drain and --forever exclude each other")
    }
    return drains ? .drain : isEndless ? .forever : .count(count ?? 1)
  }

  private static func attempts(_ settings: inout Settings) throws -> AttemptOptions {
    var options = AttemptOptions()
    let most = try settings.count("max-attempts", upTo: Int(Int32.max))
    let delay = try settings.duration("retry-delay")
    let rejected = try settings.value("reject-on", "exit statuses such as 2,65-70") { StatusList(parsing: $0)?.codes }
    guard (delay ?? .zero) < .milliseconds(UInt32.max) else { throw UsageError("--retry-delay is at most 49 days") }
    options.areRequired = most != nil || delay != nil || rejected != nil
    options.needRetryQueue = delay != nil
    options.maxAttempts = most ?? options.maxAttempts
    options.retryDelay = delay ?? options.retryDelay
    options.rejectedStatuses = rejected ?? []
    options.onFailure = try settings.choice("on-failure")
    guard options.onFailure == nil || !options.areRequired else {
      throw UsageError("--on-failure excludes --max-attempts, --retry-delay and --reject-on, which count attempts")
    }
    return options
  }

  private static func liveness(_ settings: inout Settings) throws -> Liveness? {
    try settings.text("liveness-file").map { path in
      do {
        return try Liveness(path: path)
      } catch {
        let reason = SystemError.reason(of: error)
        throw Failure(
          .inputOutputError, "cannot make the liveness file \(path): \(reason) (--liveness-file); nothing was taken")
      }
    }
  }
}
