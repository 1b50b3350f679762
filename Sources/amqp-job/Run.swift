import Arguments
import JobRunner
import Linux

enum Feed: String, CaseIterable {
  case stdin
}

/// `amqp-job run`
enum Run: ToolCommand {
  static let definition = Command(
    tool: Main.tool, name: "run",
    summary: "Run a command on items of a queue, each its standard input.",
    examples: ["amqp-job run -q fruits --timeout 10m -- ./worker.py --fast"],
    notes:
      "An item is acked when the command exits 0, and given back when it does not. "
      + "Everything after -- is the command's.",
    operands: .rest(name: "COMMAND [ARG...]"),
    groups: [
      OptionGroup(
        "Options",
        [
          QueueName.option,
          Option("count", short: "n", value: "N", "how many items to take (default 1)"),
          Option(
            "when-empty", value: "wait|exit", "wait for an item, or exit 0 once the queue is drained (default wait)"),
          Option("wait-first", value: "DURATION", "grant a missing or empty queue this time at first (default 0)"),
          Option("timeout", value: "DURATION", "end a worker that takes longer over an item (default none)"),
          Option("grace", value: "DURATION", "time from TERM to KILL for a worker (default 20s)"),
          Option("feed", value: "stdin", "how a worker gets its item"),
          Option("raw-status", "report a worker's status as it is, even 64 to 78 and 124 to 127"),
          Option("pass-env", "hand the settings of amqp-job on to the worker"),
        ]), BrokerOptions.group, LogOptions.group,
    ])

  static func run(_ arguments: Arguments) throws {
    let environment = ThisProcess.environment
    var settings = Settings(arguments, environment: environment)
    let program = try program(arguments, searchPath: settings.path)
    let broker = try BrokerOptions(&settings)
    let options = try jobOptions(&settings, broker)
    let reporter = try LogOptions.reporter(&settings)
    let passesSettings = try settings.flag("pass-env")
    let workerEnvironment = WorkerEnvironment(
      environment, usedSettings: settings.used, passesSettings: passesSettings)

    broker.warn(reporter)
    if !workerEnvironment.withheld.isEmpty {
      let names = workerEnvironment.withheld.joined(separator: ", ")
      reporter.report(LogEntry(.info, "withheld from the worker: \(names) (--pass-env hands them on)"))
    }
    let connectionName = "amqp-job run \(options.queue)" + (settings.hostName.map { " on \($0)" } ?? "")
    let loop = try EventLoop(
      options,
      EventLoop.Configuration(
        heartbeat: broker.heartbeat, connectionName: connectionName,
        worker: program, environment: workerEnvironment),
      log: reporter.report)
    try loop.run().exit()
  }

  private static func jobOptions(
    _ settings: inout Settings, _ broker: BrokerOptions
  ) throws -> JobOptions {
    var options = JobOptions(brokers: broker.brokers, queue: try QueueName.resolved(&settings))
    let count = try settings.value("count", "a whole number from 1") { Int($0).flatMap { $0 > 0 ? $0 : nil } }
    options.count = count ?? options.count
    options.whenEmpty = try settings.choice("when-empty") ?? options.whenEmpty
    options.waitFirst = try settings.duration("wait-first") ?? options.waitFirst
    options.timeout = try settings.duration("timeout")
    options.grace = try settings.duration("grace") ?? options.grace
    options.connectTimeout = broker.connectTimeout
    options.rawStatus = try settings.flag("raw-status")
    let _: Feed? = try settings.choice("feed")
    return options
  }

  private static func program(_ arguments: Arguments, searchPath: String) throws -> ProcessGroups.Program {
    do {
      let path = try CommandLookup.path(of: arguments.operands[0], searchPath: searchPath)
      return ProcessGroups.Program(path: path, arguments: arguments.operandBytes, environment: [])
    } catch {
      switch error {
      case .notFound(let what):
        throw Failure(.commandNotFound, "command not found: \(what); nothing was taken")
      case .notExecutable(let what, let reason):
        throw Failure(.notExecutable, "command cannot be executed: \(what): \(reason); nothing was taken")
      }
    }
  }
}
