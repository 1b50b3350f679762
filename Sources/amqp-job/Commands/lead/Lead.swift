import Arguments
import Broker
import Console
import Election
import JobRunner
import Linux
import Telemetry

/// `amqp-job lead`
enum Lead: ToolCommand {
  static let election = Option("election", .electionName, "the election; its candidates have the same name for it")
    .common
  static let lease = DefaultedOption("lease", .lease, default: .seconds(15)) {
    "how long a leader that has vanished is waited for (default \($0))"
  }.common
  static let grace = Option("grace", .duration, "time from TERM to KILL for the command (default: a third of --lease)")
  static let candidateName = Option(
    "name", .candidateName, "name of this candidate (default POD_NAME, MY_POD_NAME, HOSTNAME, or that of the host)"
  ).common
  static let leaderFile = Option(
    "leader-file", .text("PATH"), "a file that is there while this candidate leads, for those that look for it"
  ).common
  static let http = Option(
    "http", .listenAddress, "answer here over HTTP who leads, as the leader-elector sidecar did"
  ).common

  static let name = "lead"
  static let definition = Command(
    tool: Main.tool, name: name,
    summary: "Run a command on one of several candidates at a time: the leader.",
    examples: [
      "amqp-job lead --election planner -- ./planner.py",
      "amqp-job lead --election planner --http 127.0.0.1:4040",
    ],
    notes:
      "The command starts when this candidate becomes the leader, with the number of its leadership in LEADER_EPOCH, which "
      + "grows with each leader. It is stopped before another candidate may lead. When it ends by itself, the candidate "
      + "lets go and ends with its status.",
    operands: .optionalRest(name: "COMMAND [ARG...]"),
    groups: [
      OptionGroup(
        "Options",
        [
          election, lease, grace, candidateName, leaderFile, http, MetricsOption.address, Run.rawStatus,
          Run.passEnvironment,
        ]),
      BrokerOptions.group, LogOptions.group(verbose: "each connection"),
    ],
    exitStatuses: [
      Explained(.success, "A signal has ended the candidate, or the command exited 0."),
      Explained(.failure, "The command exited with a status that is one of these, and --raw-status is not given."),
      StatusMeaning.usage,
      Explained(
        .unreachable,
        "The broker, or the election's queue, was out of reach for --connect-timeout, and never before in reach."),
      Explained(
        .internalError, "The system has no process, memory or file descriptor for the candidate or its command."),
      Explained(
        .inputOutputError,
        "The --leader-file cannot be written, an HTTP address cannot be had, or the --log-file cannot be opened."
      ),
      StatusMeaning.notPermitted,
      Explained(.wrongQueue, "The election's queue was declared with other properties."),
      Explained(.notExecutable, "The command is not executable."),
      Explained(.commandNotFound, "The command, or its interpreter, was not found."),
      Explained("128 + N", "Signal N ended the command."),
      Explained("other", "The status is the command's own."),
    ])

  static let environment = [
    Explained("LEADER_EPOCH", "The number of the leadership, set for the command."),
    Explained("POD_NAME, MY_POD_NAME, HOSTNAME", "The candidate's name, if \(candidateName) is not given."),
  ]

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    guard let election = try settings.value(election) else {
      throw UsageError("no election given: use \(election) or AMQP_JOB_ELECTION")
    }
    let program = try program(arguments, &settings)
    let plan = try plan(&settings)
    let leaderFile = try settings.value(leaderFile)
    let address = try settings.value(http)
    guard program != nil || leaderFile != nil || address != nil else {
      throw UsageError("nothing to do for the leader: COMMAND is missing, and so are \(Self.leaderFile) and \(http)")
    }
    let broker = try BrokerOptions(&settings)
    let isRaw = try settings.value(Run.rawStatus)
    let name = try name(&settings)
    let reporter = try LogOptions.reporter(&settings)
    broker.warn(reporter)
    var configuration = ElectionLoop.Configuration(
      election: election, name: name, plan: plan, access: broker.access,
      heartbeat: heartbeat(broker.heartbeat, plan), connectTimeout: broker.connectTimeout,
      connectionName: "amqp-job lead \(election) on \(ThisProcess.hostName)")
    configuration.leaderFile = leaderFile
    configuration.listener = try address.map { try listener($0, reporter) }
    configuration.metrics = try MetricsOption.place(&settings, reporter) {
      CandidateMetrics(Label("election", election), $0)
    }
    configuration.command = program
    configuration.command?.environment = try environment(&settings)
    try end(run(configuration, reporter), isRaw: isRaw)
  }

  private static func program(
    _ arguments: Arguments, _ settings: inout Settings
  ) throws -> ProcessGroups.Program? {
    guard !arguments.operands.isEmpty else { return nil }
    return try ProcessGroups.Program(
      command: arguments.operands, searchPath: settings.environment.path, beforeItems: false)
  }

  private static func listener(_ address: ListenAddress, _ reporter: Reporter) throws -> TCPListener {
    do throws(TCPListener.Failure) {
      let listener = try TCPListener(address)
      reporter.report(LogEntry(.info, "answering over HTTP at \(listener.address)"))
      return listener
    } catch { throw Failure(.inputOutputError, "cannot answer over HTTP at \(address): \(error.cause)") }
  }

  private static func plan(_ settings: inout Settings) throws -> LeasePlan {
    let lease = try settings.value(lease)
    let grace = try settings.value(grace) ?? lease / 3
    let longest = LeasePlan.longestGrace(lease)
    guard grace <= longest else {
      throw UsageError("\(Self.grace) is at most half of \(Self.lease), which is \(longest.text)")
    }
    return LeasePlan(lease: lease, grace: grace)
  }

  static func name(_ settings: inout Settings) throws -> String {
    if let name = try settings.value(candidateName) { return name }
    for variable in ["POD_NAME", "MY_POD_NAME", "HOSTNAME"] {
      if let name = settings.environment[variable], !name.isEmpty {
        return try ValueType.candidateName.read(Setting(name, from: variable))
      }
    }
    return ThisProcess.hostName
  }

  /// A broker has to notice soon that a leader is gone without a word, and a leader that the broker is.
  static func heartbeat(_ wanted: UInt16, _ plan: LeasePlan) -> UInt16 {
    let longest = UInt16((plan.period / .seconds(1)).rounded(.up))
    return wanted == 0 ? longest : min(wanted, longest)
  }

  private static func environment(_ settings: inout Settings) throws -> [[UInt8]] {
    let passesSettings = try settings.value(Run.passEnvironment)
    return inherited(settings, passesSettings: passesSettings)
  }

  /// The environment of a command, without the number of another leadership.
  static func inherited(_ settings: Settings, passesSettings: Bool) -> [[UInt8]] {
    let inherited = WorkerEnvironment(
      settings.environment.entries, usedSettings: settings.usedVariables, passesSettings: passesSettings
    ).inherited
    return inherited.filter { !$0.starts(with: "LEADER_EPOCH=".utf8) }
  }

  // MARK: The end

  static func run(
    _ configuration: ElectionLoop.Configuration, _ reporter: Reporter
  ) throws -> CandidateEnd {
    do { return try ElectionLoop(configuration, log: reporter.report).run() } catch let error as SystemError {
      if let path = configuration.leaderFile, ["open", "rename", "write"].contains(error.call) {
        throw Failure(.inputOutputError, "cannot make the leader file \(path): \(error.reason)")
      }
      throw Failure(.internalError, "the system refuses what the candidate itself needs: \(error)")
    } catch let error as RecordFile.LinkError {
      throw Failure(.inputOutputError, "cannot make the leader file \(configuration.leaderFile ?? ""): \(error)")
    }
  }

  private static func end(_ end: CandidateEnd, isRaw: Bool) throws {
    switch end {
    case .stopped, .ended(.exited(0)): return
    case .failed(let status, let line): throw Failure(status, line)
    case .ended(let status): throw Failure(ExitStatus(worker: status, raw: isRaw), "the command \(status.predicate)")
    }
  }
}

extension ProcessStatus {
  fileprivate var predicate: String {
    switch self {
    case .exited(let code): "exited with \(code)"
    case .killed(let signal): "was killed by \(signal)"
    }
  }
}
