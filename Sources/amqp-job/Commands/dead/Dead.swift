import AMQP
import Arguments
import Broker
import Console
import JobRunner
import Linux

/// `amqp-job dead`
struct Dead: ToolCommand {
  static let limit = DefaultedOption("limit", .count(), default: .max) { _ in
    "list, replay: only the first N of these items"
  }
  static let dryRun = Flag("dry-run", "replay, purge: only say what would be done").common
  static let standardError = Flag(
    "stderr", "show: the end of the worker's standard error, if run \(Run.keepStandardError) kept it")
  static let json = Flag("json", "list, show: print JSON, with the items' headers").common
    .known(as: "format", "output", "o")

  static let name = "dead"
  static let definition = Command(
    tool: Main.tool, name: name, summary: "Look at a queue's dead letters, send them back, or drop them.",
    examples: [
      "amqp-job dead list fruits", "amqp-job dead list fruits --json | jq -r .headers.source",
      "amqp-job dead show fruits --id 42 | less", "amqp-job dead replay fruits --reason 'timed out' --since 2h",
      "amqp-job dead replay fruits --position 3,7-9",
      "amqp-job dead purge fruits --older-than 720h --dry-run",
    ],
    notes:
      """
      QUEUE is the queue itself, and its dead letters are in QUEUE.dead. Its default is the variable AMQP_QUEUE, or \
      else the variable QUEUE, but purge has no default. list and show change nothing, but they hold the items while they read them. During \
      that time, nobody else sees the items. With a filter, replay and purge also hold the items that stay. replay \
      moves the items that are in QUEUE.dead when it begins, and their attempts start anew. An item whose reply-to names a \
      queue that is gone is replayed without it. show writes the body of \
      the first item with the given id, or of the item at the given position. With --json, show writes everything about \
      the item but its body. Position 1 is the head of QUEUE.dead as the command finds it. Others may have moved the \
      items since they were listed, so make sure with --dry-run or with a further filter. An item has to match every \
      filter, but only one of several ids. An item that does not say when it was dead-lettered matches neither \
      --older-than nor --since. The VALUE of a header is the text that a worker sees in WORK_ITEM_HEADER_HEADER.
      """,
    operands: .oneOrTwo(first: "ACTION", second: "QUEUE"),
    choices: Action.allCases.map(\.rawValue),
    groups: [
      OptionGroup("Filters of list, replay and purge", DeadLetterOptions.options),
      OptionGroup(
        "Options",
        [QueueName.option, limit, dryRun, standardError, json]), BrokerOptions.group,
      LogOptions.group(verbose: "which broker answers"),
    ],
    exitStatuses: [
      Explained(.success, "The action is done, on every item that --id or --position names."),
      Explained(
        .failure,
        "No item has an --id or a --position that was given. The other items were listed, moved or dropped."),
      StatusMeaning.usage, Explained(.refusedData, "With replay, an item is too large for the broker."),
      Explained(.noQueue, "There is no such queue, or it has no dead-letter queue."), StatusMeaning.unreachable,
      StatusMeaning.noResources,
      Explained(
        .inputOutputError, "An item cannot be stored in TMPDIR, or standard output or --log-file cannot be written."),
      Explained(.temporaryFailure, "The connection was lost. Or, with replay, the queue is full or rejects an item."),
      StatusMeaning.notPermitted,
      Explained(
        .wrongQueue, "The dead-letter queue may drop items that are often read and requeued, so no item was read."),
      StatusMeaning.unread,
    ], adviceOnUnknown: foreignOptions.advice)

  private static let foreignOptions = ForeignOption([
    "all a": "without a filter, every item is meant",
    "force f yes y": "it asks nothing, and \(dryRun) shows what it would do",
    "to target destination": "replay moves the items back into QUEUE",
    "count c": "'amqp-job status QUEUE' counts the items",
  ])

  static let channel = DeadLetterScan.channel

  let action: Action
  let queue: WorkQueue
  let broker: BrokerOptions
  let reporter: Reporter
  let conversation: BrokerConversation
  let spoolDirectory: String

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let operands = try settings.operands()
    let action = try Action(operands[0].text, settings)
    let queue = try QueueName.family(queueName(operands.dropFirst().first, for: action, &settings))
    let (broker, reporter) = (try BrokerOptions(&settings), try LogOptions.reporter(&settings))
    let dead = Dead(
      action: action, queue: queue, broker: broker, reporter: reporter,
      conversation: BrokerConversation("amqp-job dead \(action.rawValue) \(queue.name)", broker, reporter),
      spoolDirectory: settings.environment.temporaryDirectory)
    try dead.run(&settings)
  }

  private static func queueName(
    _ operand: Setting?, for action: Action, _ settings: inout Settings
  ) throws -> String {
    switch action {
    case .list, .show, .replay: try QueueName.resolved(operand: operand, &settings)
    case .purge: try QueueName.given(operand: operand, settings, for: "\(name) \(action.rawValue)")
    }
  }

  private func run(_ settings: inout Settings) throws {
    switch action {
    case .list:
      let list = DeadList(
        self, try DeadLetterOptions.filter(&settings), limit: try settings.value(Self.limit),
        isJSON: try settings.value(Self.json))
      broker.warn(reporter)
      try list.run()
    case .show:
      let filter = try DeadLetterOptions.filterOfOne(&settings)
      let show = DeadShow(self, filter, try Self.part(&settings))
      broker.warn(reporter)
      try show.run()
    case .replay:
      let replay = DeadReplay(self, try DeadLetterOptions.filter(&settings), limit: try settings.value(Self.limit))
      let isDry = try settings.value(Self.dryRun)
      broker.warn(reporter)
      try isDry ? replay.pretend() : replay.run()
    case .purge:
      let purge = DeadPurge(self, try DeadLetterOptions.filter(&settings), isDry: try settings.value(Self.dryRun))
      broker.warn(reporter)
      try purge.run()
    }
  }

  private static func part(_ settings: inout Settings) throws -> DeadShow.Part {
    switch (try settings.value(standardError), try settings.value(json)) {
    case (true, true): throw UsageError("\(json) has standard error, too: give \(standardError) or \(json)")
    case (true, false): .standardError
    case (false, true): .json
    case (false, false): .body
    }
  }

  // MARK: The dead-letter queue

  /// The dead-letter queue and its broker, for messages.
  func place(_ session: BrokerSession) -> String { "queue '\(queue.deadName)' at \(session.broker)" }

  /// Reads the items one after the other as long as `wantsMore` returns true, and shows the progress.
  func scan(
    _ session: BrokerSession, depth: Int, by method: QueueReader.Mode, wantsMore: () -> Bool = { true },
    onPart: (Delivery, [UInt8]) -> Void = { _, _ in }, visit: (Delivery) -> DeadLetterScan.Decision
  ) throws(ConversationError) {
    let progress = DeadProgress(queue.deadName, total: depth, reporter)
    defer { progress.clear() }
    var scan = DeadLetterScan(queue.deadName, on: session, by: method)
    try session.explainingErrors(about: queue.deadName) { () throws(SessionError) in
      try scan.run(depth: depth, wantsMore: wantsMore, onPart: onPart, onTurn: progress.turn, visit: visit)
    }
  }

  /// Opens the channel, and returns the number of items in the dead-letter queue.
  func depth(_ session: BrokerSession) throws(Failure) -> Int {
    do {
      try session.openChannel(Self.channel)
      return Int(try session.queueStatus(queue.deadName, on: Self.channel).messageCount)
    } catch .refused(let reason) where reason.meansNoSuchQueue {
      throw try absence(session)
    } catch {
      throw Failure(error, queue: queue.deadName, broker: session.broker)
    }
  }

  /// The refusal where the dead-letter queue does not exist.
  private func absence(_ session: BrokerSession) throws(Failure) -> Failure {
    if let failure = Self.refusal(ofRelated: queue, place(session), action) { return failure }
    do throws(ConversationError) {
      let isThere = try session.explainingErrors(about: queue.name) { () throws(SessionError) in
        try session.openChannel(Self.channel)
        return try session.queueStatusIfKnown(queue.name, on: Self.channel) != nil
      }
      guard isThere else {
        let missing = "there is no \(place(session)), nor a queue '\(queue.name)'"
        return Failure(.noQueue, "\(missing)\(MissingQueue(queue.name).advice)")
      }
      let verdict = try QueueQuestionnaire(queue, session).inspect()
      return MissingDeadQueue(beside: queue, verdict).failure(queue, place(session))
    } catch { throw Failure(error) }
  }

  /// The refusal where QUEUE is itself one of those that `declare` makes beside another. `place` is its dead-letter queue.
  static func refusal(ofRelated queue: WorkQueue, _ place: String, _ action: Action) -> Failure? {
    let family = queue.family
    guard family.name != queue.name else { return nil }
    return Failure(
      .noQueue,
      "there is no \(place): QUEUE is the queue that items are taken from, so use "
        + "'amqp-job dead \(action.rawValue) \(family.name.shellWord)' for those in '\(family.deadName)'")
  }

  /// What the dead-letter queue does with items that are read and given back. The question may leave a line in the broker's log.
  func standing(_ session: BrokerSession) throws(ConversationError) -> DeadQueueProperties {
    try session.explainingErrors(about: queue.deadName) { () throws(SessionError) in
      try session.deadQueueProperties(queue, on: Self.channel + 1)
    }
  }

  /// How to read items that are given back afterwards.
  /// - Throws: `Failure` where the queue may drop an item that was given back too often
  func readingMethod(_ session: BrokerSession) throws -> QueueReader.Mode {
    try Self.readingMethod(try standing(session), place(session))
  }

  static func readingMethod(_ standing: DeadQueueProperties, _ place: String) throws(Failure) -> QueueReader.Mode {
    switch standing.returns {
    case .unlimited: return standing.mode
    case .limited:
      throw Failure(
        .wrongQueue,
        "\(place) was not made by 'amqp-job declare', and may drop items that are looked at often: "
          + "none was looked at; 'amqp-job dead replay' without a filter loses none")
    case .unknown(let reason):
      throw Failure(
        .notPermitted,
        "cannot tell whether \(place) drops items that are looked at often, so none was looked at: \(reason.text); grant the "
          + "user the configure permission on it, or use 'amqp-job dead replay' without a filter")
    }
  }
}
