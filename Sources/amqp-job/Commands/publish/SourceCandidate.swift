import Arguments
import Broker
import Console
import Election
import ItemSources
import JobRunner
import Linux
import Telemetry

/// How `publish --from` runs. Several publishers are candidates of one election. The one that leads starts this program once more, to
/// publish; so all that `lead` promises of a command holds for what it publishes.
extension SourceOptions {
  /// Tells the program that it is such a command, by the process id of its candidate.
  private static let candidateVariable = "AMQP_JOB_CANDIDATE"

  func run(_ settings: inout Settings) throws {
    try Self.checkFiles(&settings)
    let broker = try BrokerOptions(&settings)
    let reporter = try LogOptions.reporter(&settings)
    if Self.isCommand(settings.environment) {
      broker.access.report = { reporter.report($0.entry) }
      return try publish(&settings, broker, reporter)
    }
    broker.warn(reporter)
    try Publish.checkOwner(.queue(queue), broker, reporter)
    var configuration = ElectionLoop.Configuration(
      election: LedgerQueue.election(of: queue), name: try Lead.name(&settings), plan: plan, access: broker.access,
      heartbeat: Lead.heartbeat(broker.heartbeat, plan), connectTimeout: broker.connectTimeout,
      connectionName: "amqp-job publish \(queue), a candidate on \(ThisProcess.hostName)")
    configuration.metrics = try MetricsOption.place(&settings, reporter) { CandidateMetrics(.queue(queue), $0) }
    configuration.commandServesMetrics = true
    configuration.command = Self.command(settings)
    try end(Lead.run(configuration, reporter))
  }

  /// The command reads the broker's files itself.
  private static func checkFiles(_ settings: inout Settings) throws {
    for option in [BrokerSources.urlFile, BrokerSources.passwordFile, BrokerSources.tokenFile] {
      guard let file = try settings.value(option), isPipe(path: file.text) else { continue }
      throw UsageError("\(file.source) is a pipe, which \(from) cannot read more than once: name a file")
    }
  }

  static func isCommand(_ environment: Environment) -> Bool {
    environment[candidateVariable] == "\(ThisProcess.parentID)"
  }

  /// This program with the same settings. A URL, which may have a password in it, goes into the environment.
  private static func command(_ settings: Settings) -> ProcessGroups.Program {
    let (arguments, url) = (settings.arguments, BrokerSources.url)
    var entries = ["\(candidateVariable)=\(ThisProcess.id)"]
    var left: [String] = []
    if let text = arguments.text(of: url) {
      left = [url.name, BrokerSources.urlFile.name]
      entries.append("\(Settings.variableName(ofOption: url.name))=\(text)")
    }
    let replaced =
      entries.map { Array($0.prefix { $0 != "=" }.utf8) + [UInt8(ascii: "=")] }
      + [Array("LEADER_EPOCH=".utf8)]
    let environment = settings.environment.entries.filter { entry in !replaced.contains { entry.starts(with: $0) } }
    let words =
      [Main.tool, Publish.name]
      + arguments.words(without: left, flags: Set(Publish.definition.flagNames))
    return ProcessGroups.Program(
      path: ThisProcess.program, arguments: words.map { Array($0.utf8) },
      environment: environment + entries.map { Array($0.utf8) })
  }

  private func end(_ end: CandidateEnd) throws {
    switch end {
    case .ended(.exited(0)): return
    case .stopped(let signal):
      // A CronJob's Job has not done its work.
      if isOnce { throw Failure(.signal(signal), "ended by \(signal)") }
    case .failed(let status, let line): throw Failure(status, line)
    // It has said why itself.
    case .ended(.exited(let code)): ExitStatus(rawValue: code).exit()
    case .ended(.killed(let signal)): throw Failure(.signal(signal), "the publisher was killed by \(signal)")
    }
  }

  // MARK: The command

  private func publish(_ settings: inout Settings, _ broker: BrokerOptions, _ reporter: Reporter) throws {
    let epoch = settings.environment["LEADER_EPOCH"].flatMap { Int64($0) } ?? 0
    var configuration = SourceLoop.Configuration(
      queue: queue, source: source,
      publisher: .init(
        source: "\(source)", ledger: LedgerQueue(of: queue).name, period: period, isOnce: isOnce, epoch: epoch),
      properties: properties, access: broker.access, heartbeat: broker.heartbeat, connectTimeout: broker.connectTimeout,
      userAgent: "\(Main.tool)/\(version)")
    configuration.metrics = try MetricsOption.inheritedPlace(&settings) {
      PublisherMetrics(queue: queue, epoch: epoch, $0)
    }
    configuration.field = dataField
    if case .command(let line) = source { configuration.program = Self.shell(line, settings) }
    let end: SourceLoop.End
    do { end = try SourceLoop(configuration, log: reporter.report).run() } catch let error as SystemError {
      throw Failure(.internalError, "the system refuses what the publisher needs: \(error)")
    }
    switch end {
    case .source(.done), .source(.stopped): return
    case .source(.failed(let status, let line)): throw Failure(status, line)
    case .broker(let failure): throw Failure(failure)
    case .refused(let reason, let queue, let broker): throw Failure(.refused(reason), queue: queue, broker: broker)
    case .unsendable(let error, let broker): throw Failure(.unsendable(error), queue: queue, broker: broker)
    }
  }

  /// The shell gets no setting of this program.
  private static func shell(_ line: String, _ settings: Settings) -> ProcessGroups.Program {
    ProcessGroups.Program(
      path: "/bin/sh", arguments: ["sh", "-c", line].map { Array($0.utf8) },
      environment: Lead.inherited(settings, passesSettings: false))
  }
}
