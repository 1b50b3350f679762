import Arguments
import Broker
import Console
import Linux

/// `amqp-job status`
struct Status: ToolCommand {
  static let json = Flag("json", "print one JSON object per line").common.known(as: "format", "output", "o")
  static let watch = Flag("watch", "update the figures again and again, with a progress bar on a terminal").common
    .known(as: "follow", "f", "w")
  static let drained = Flag("drained", "exit 0 if the queues are drained, else 1").common
  static let until = Option<Goal>(
    "until", .choice, "wait until the queues are drained, then exit 0; with \(watch), show the progress"
  ).common
  static let drainTimeout = DefaultedOption("drain-timeout", .timeLimit, default: nil) {
    "maximum time for \(until) (default \($0): no limit)"
  }
  static let interval = DefaultedOption("interval", .interval, default: .seconds(1)) {
    "time between two updates (default \($0))"
  }

  static let jobLog = Option(
    "joblog", .setting("FILE"),
    "the job log of the queue's runners: with \(watch) or \(json), show what arrives, what is done, and how many runners that needs"
  )
  static let parallelism = Run.parallelism.described {
    "number of workers of each of these runners (default \($0))"
  }

  static let name = "status"
  static let definition = Command(
    tool: Main.tool, name: name, summary: "Show how full queues are, once or all the time.",
    examples: [
      "amqp-job status fruits nuts", "amqp-job status fruits --watch", "amqp-job status fruits --json | jq .dead",
      "amqp-job status fruits --until drained && ./all-done.sh",
    ],
    notes:
      "READY counts the items that wait for a consumer. RETRY and DEAD count the items in Q.retry and Q.dead, and show - "
      + "if there is no such queue. Items that a worker has not acked yet cannot be seen. --watch counts them as done "
      + "unless they come back. What is dead-lettered meanwhile is not done. TERM or INT ends --watch. A queue with a consumer that stays is never drained. "
      + "AMQP shows by how much a queue grows, not what arrives. With --joblog, the runners' job log says what is done, "
      + "what arrives is that and the growth, and the advice is the number of runners of which each worker would be "
      + "busy for 90 % of its time. Each attempt on an item counts.",
    operands: .any(name: "QUEUE"),
    groups: [
      OptionGroup(
        "Options",
        [QueueName.option, json, watch, drained, until, drainTimeout, interval, jobLog, parallelism]),
      BrokerOptions.group,
      LogOptions.group(verbose: "which broker answers"),
    ],
    exitStatuses: [
      Explained(.success, "The figures are shown. With --drained or --until, the queues are drained."),
      Explained(.failure, "With --drained, a queue is not drained."),
      StatusMeaning.usage, StatusMeaning.noQueue, StatusMeaning.unreachable, StatusMeaning.noResources,
      Explained(.inputOutputError, "Standard output or --log-file cannot be written, or --joblog cannot be read."),
      Explained(
        .temporaryFailure,
        "The connection was lost. Or, with --until, a queue was not drained within --drain-timeout."),
      StatusMeaning.notPermitted,
      Explained(.wrongQueue, "A queue is of an unsupported kind, or was declared with other properties."),
      Explained("128 + N", "With --watch or --until, signal N ended the command."), StatusMeaning.unread,
    ], adviceOnUnknown: ForeignOption(["all a list": "a client of AMQP cannot list queues, so name them"]).advice)

  /// The state that `--until` waits for.
  enum Goal: String, CaseIterable {
    case drained
  }

  let names: [String]
  let broker: BrokerOptions
  let reporter: Reporter
  let conversation: BrokerConversation
  let isJSON: Bool
  /// nil unless the user named one.
  let jobLog: FollowedJobLog?

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let operands = try settings.operands()
    let first = try QueueName.resolved(operand: operands.first, &settings)
    let names = [first] + (try operands.dropFirst().map(QueueName.checked))
    let (broker, reporter) = (try BrokerOptions(&settings), try LogOptions.reporter(&settings))
    let task = try StatusTask(&settings)
    let status = Status(
      names: names, broker: broker, reporter: reporter,
      conversation: BrokerConversation("amqp-job status", broker, reporter), isJSON: try settings.value(json),
      jobLog: try followedJobLog(&settings, queues: names.count))
    status.broker.warn(status.reporter)

    switch task {
    case .show: try status.showOnce()
    case .showRates(let interval): try status.showRates(over: interval)
    case .checkDrained: try status.checkDrained()
    case .watch(let interval): try status.watch(every: interval, isShown: true, until: nil)
    case .waitUntilDrained(let limit, let interval, let isShown):
      let wait = DrainWait(status, limit: limit, isSilent: !isShown)
      try status.watch(every: interval, isShown: isShown, until: wait)
    }
  }

  /// - Throws: `UsageError`, or `Failure` if the file cannot be opened
  private static func followedJobLog(_ settings: inout Settings, queues: Int) throws -> FollowedJobLog? {
    guard let path = try settings.value(jobLog) else {
      try Run.refuseAlone([parallelism], without: jobLog.description, settings)
      return nil
    }
    guard queues == 1 else { throw UsageError("\(settings.naming(jobLog)) goes with one queue: the log names none") }
    return try FollowedJobLog(path, parallelism: try settings.value(parallelism))
  }

  private func watch(every interval: Duration, isShown: Bool, until wait: DrainWait?) throws {
    var watch = StatusWatch(self, interval: interval, isShown: isShown, until: wait)
    try watch.run()
  }

  private func showOnce() throws {
    let session = try conversation.connect()
    var lookup = QueueLookup(session)
    var found: [QueueFigures] = []
    var missing: [String] = []
    for name in names {
      let figures = try lookup.figures(of: name)
      if let figures { found.append(figures) } else { missing.append(name) }
    }
    let losses = try found.compactMap { try loss(of: $0, session) }
    session.close()
    if !found.isEmpty {
      try Output.write(isJSON ? found.map { "\($0.json)\n" }.joined() : QueueFigures.table(found))
    }
    for loss in losses { reporter.report(loss.warning) }
    guard missing.isEmpty else { throw QueueLookup.noSuchQueue(missing, session) }
  }

  /// Shows what two looks at the queue and the job log say about it.
  private func showRates(over interval: Duration) throws {
    let session = try conversation.connect()
    defer { session.close() }
    var lookup = QueueLookup(session)
    var throughput = Throughput(parallelism: jobLog?.parallelism)
    var shown: QueueFigures?
    for look in 0..<2 {
      if look > 0 {
        try session.explainingErrors(about: names[0]) { () throws(SessionError) in
          try session.wait(until: .now + interval)
        }
      }
      guard let figures = try lookup.figures(of: names[0]) else { throw QueueLookup.noSuchQueue(names, session) }
      throughput.observe(figures, at: .now, ended: try jobLog?.newAttempts() ?? [], clock: ThisProcess.timeOfDay)
      shown = figures
    }
    guard let shown else { return }
    try Output.write("\(shown.json(throughput.rates(at: ThisProcess.timeOfDay)))\n")
  }

  private func loss(of figures: QueueFigures, _ session: BrokerSession) throws -> LostCompanion? {
    guard let missing = MissingCompanion(figures) else { return nil }
    return LostCompanion(missing, try missing.origin(session), at: "\(session.broker)")
  }

  private func checkDrained() throws {
    let session = try conversation.connect()
    defer { session.close() }
    for name in names {
      var check = try DrainedCheck(name, session, self)
      let reason = try check.reasonNotDrained()
      try check.close()
      if let reason {
        throw Failure(.failure, "queue '\(name)' at \(session.broker) is not drained: \(reason)")
      }
    }
  }
}

extension ValueType where Value == Duration {
  fileprivate static var interval: Self {
    duration.limited("is at least 100ms") { $0 >= .milliseconds(100) }
  }
}
