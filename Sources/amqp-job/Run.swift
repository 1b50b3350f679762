public import ArgumentParser
public import JobRunner
import Linux

extension JobOptions.WhenEmpty: ExpressibleByArgument {}

enum Feed: String, ExpressibleByArgument, CaseIterable {
  case stdin
}

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take items from a queue and run a command on each, its standard input the item.",
    discussion: """
      EXAMPLE
        amqp-job run -q fruits --timeout 10m -- ./worker.py --fast

      An item is acked when the command exits 0, and given back when it does not. Everything after -- is the command's.
      """)

  @Option(name: .shortAndLong, help: "Queue to take items from (AMQP_QUEUE, QUEUE).")
  var queue: String?

  @Option(name: [.customShort("n"), .long], help: "How many items to take (default: 1).")
  var count: Int?

  @Option(help: "wait for an item, or exit with 0 when the queue is drained (default: wait).")
  var whenEmpty: JobOptions.WhenEmpty?

  @Option(help: "Grant a missing or empty queue this time at first (default: 0).")
  var waitFirst: Duration?

  @Option(help: "End a worker that takes longer over an item (default: none).")
  var timeout: Duration?

  @Option(help: "Time from TERM to KILL for a worker (default: 20s).")
  var grace: Duration?

  @Option(help: "How a worker gets its item: stdin.")
  var feed: Feed?

  @Flag(help: "Report a worker's status as it is, even 64 to 78 and 124 to 127.")
  var rawStatus = false

  @Flag(help: "Hand the settings of amqp-job on to the worker.")
  var passEnv = false

  @OptionGroup(title: "Broker") var broker: BrokerOptions
  @OptionGroup(title: "Log") var log: LogOptions

  @Argument(parsing: .captureForPassthrough, help: "The worker: a command and its arguments.")
  var command: [String] = []

  func run() throws {
    ThisProcess.forbidDumping()
    let environment = ThisProcess.environment
    var settings = Settings(environment)
    let program = try program(searchPath: settings.path)
    let broker = try broker.resolved(&settings)
    let options = try jobOptions(&settings, connectTimeout: broker.connectTimeout)
    let reporter = try log.reporter(&settings)
    let passesSettings = try settings.flag(passEnv, "pass-env")
    let workerEnvironment = WorkerEnvironment(
      environment, usedSettings: settings.used, passesSettings: passesSettings)

    if let warning = broker.warning { reporter.report(LogEntry(.warning, warning)) }
    if !workerEnvironment.withheld.isEmpty {
      let names = workerEnvironment.withheld.joined(separator: ", ")
      reporter.report(LogEntry(.info, "withheld from the worker: \(names) (--pass-env hands them on)"))
    }
    let connectionName = "amqp-job run \(options.queue)" + (settings.hostName.map { " on \($0)" } ?? "")
    let loop = try EventLoop(
      options,
      EventLoop.Configuration(
        brokers: broker.brokers, heartbeat: broker.heartbeat, connectionName: connectionName,
        worker: program, environment: workerEnvironment),
      log: reporter.report)
    try loop.run().exit()
  }

  private func jobOptions(
    _ settings: inout Settings, connectTimeout: Duration
  ) throws -> JobOptions {
    var options = JobOptions(queue: try QueueName.resolved(queue, &settings))
    options.count = try settings.value(count, "count") ?? options.count
    guard options.count > 0 else { throw Failure(.usage, "-n is 1 or more") }
    options.whenEmpty = try settings.value(whenEmpty, "when-empty") ?? options.whenEmpty
    options.waitFirst = try settings.value(waitFirst, "wait-first") ?? options.waitFirst
    options.timeout = try settings.value(timeout, "timeout")
    options.grace = try settings.value(grace, "grace") ?? options.grace
    options.connectTimeout = connectTimeout
    options.rawStatus = try settings.flag(rawStatus, "raw-status")
    _ = try settings.value(feed, "feed")
    return options
  }

  private func program(searchPath: String) throws -> ProcessGroups.Program {
    var arguments = command
    if arguments.first == "--" {
      arguments.removeFirst()
    } else if let first = arguments.first, first.hasPrefix("-") {
      throw Failure(.usage, "unknown option '\(first)'; the worker's command begins after --")
    }
    guard let name = arguments.first else {
      throw Failure(.usage, "no worker given: amqp-job run [options] -- COMMAND [ARG...]")
    }
    do {
      let path = try CommandLookup.path(of: name, searchPath: searchPath)
      return ProcessGroups.Program(path: path, arguments: arguments, environment: [])
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
