import AMQP
import Arguments
import Broker
import Console
import Linux
import Publishing

/// `amqp-job publish`
struct Publish: ToolCommand {
  static let name = "publish"
  static let definition = Command(
    tool: Main.tool, name: name, summary: "Put items into a queue: persistent, and confirmed by the broker.",
    examples: [
      "amqp-job publish -q fruits apple banana", "find . -name '*.png' -print0 | amqp-job publish -q images --null",
      "amqp-job publish --exchange shop --routing-key fruit.new apple",
      "amqp-job publish -q images --from 'dir:/inbox/*.png'",
    ],
    notes:
      "Without BODY, or with - alone, the items are the lines of standard input. After --, a BODY - is that text. With "
      + "--file, the PATH - is standard input, as one item. With --jsonl, each line is a JSON object such as "
      + "{\"body\": \"a\", \"properties\": {\"priority\": 5}, \"headers\": {\"n\": 1}}. The field body_base64 replaces body if "
      + "the body is not text. The properties are content_type, content_encoding, correlation_id, reply_to, message_id, "
      + "type, app_id, priority, timestamp (seconds) and expiration (milliseconds). Omitted fields fall back to the options. "
      + "With --from, SOURCE is http://HOST:PORT/PATH, dir:PATH, dir:PATH/*.mp4 or command:COMMAND. Each of its names "
      + "becomes an item once, over all looks, restarts and replicas: of several publishers one is active, and the names are "
      + "kept in the broker, in the queue's name with .source behind it.",
    operands: .any(name: "BODY"),
    groups: [
      OptionGroup(
        "Options",
        PublishDestination.options + DelayOptions.options + ItemOptions.options + [MetricsOption.address]),
      PropertyOptions.group,
      ResultWait.group, SourceOptions.group, BrokerOptions.group,
      LogOptions.group(verbose: "how many items are in the queue"),
    ],
    exitStatuses: [
      Explained(
        .success,
        "Every item is in the queue. With --exchange, every item is in at least one queue. "
          + "With --wait, every worker exited 0, and its result was printed."),
      Explained(
        .failure, "With --wait, an item failed: its worker failed, or the item was dead-lettered without being run."),
      StatusMeaning.usage,
      Explained(.refusedData, "The broker refuses an item that is too large for it. Or a line of --jsonl is no item."),
      Explained(
        .noQueue,
        "There is no such queue or exchange. Or an item is unroutable: no queue is bound to the exchange for it. "
          + "With --wait, the queue was deleted while results were awaited."),
      StatusMeaning.unreachable, StatusMeaning.noResources,
      Explained(
        .inputOutputError,
        "An input cannot be read, or it cannot be stored in TMPDIR. Or --log-file cannot be written, or the address of "
          + "--metrics cannot be had. With --once, the source, or an item of it, cannot be read."),
      Explained(.temporaryFailure, "The queue rejects items, as a full queue may. Or the broker is in trouble."),
      StatusMeaning.notPermitted,
      Explained(.wrongQueue, "The queue or the exchange cannot be used in this way."),
      StatusMeaning.unread, StatusMeaning.signal,
    ], adviceOnUnknown: foreignOptions.advice)

  private static let foreignOptions = ForeignOption([
    "persistent durable mandatory confirm delivery-mode": "every item is persistent and confirmed",
    "body message payload data m d b": "the items are arguments, as in 'publish -q QUEUE apple banana'",
  ])

  /// Warns of a first item that is the queue's name, too, since other commands take the queue's name as an argument.
  private static func warn(
    _ arguments: Arguments, _ destination: Destination, _ broker: BrokerOptions, _ reporter: Reporter
  ) {
    broker.warn(reporter)
    guard destination.exchange.isEmpty, !arguments.contains(ItemOptions.file),
      let first = arguments.operands.first, first.elementsEqual(destination.routingKey.utf8)
    else { return }
    let queue = destination.routingKey
    let line =
      "the first item is '\(queue)', which is the name of the queue: publish takes the queue's name by -q only"
    reporter.report(LogEntry(.warning, "\(line)"))
  }

  /// Refuses a queue that `declare` made for the use of runners.
  static func checkOwner(_ destination: Destination, _ broker: BrokerOptions, _ reporter: Reporter) throws {
    guard let reserved = ReservedQueue(destination) else { return }
    let name = reserved.queue.name
    try BrokerConversation("amqp-job publish \(name)", broker, reporter).hold(about: name) {
      (conversation) throws(ConversationError) in
      try reserved.check(conversation, cure: "publish to queue '\(reserved.owner.name)'")
    }
  }

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    if let source = try SourceOptions(&settings) { return try source.run(&settings) }
    let destination = try PublishDestination.resolved(&settings)
    let broker = try BrokerOptions(&settings)
    let reporter = try LogOptions.reporter(&settings)
    let delay = try DelayOptions(&settings, destination, reporter)
    let arrival = delay == nil ? Arrival.inQueue : .delayed
    var properties = try properties(&settings, delay)
    let wait = try ResultWait(&settings, broker, reporter, properties, destination, delay)
    if let wait { properties.replyTo = ByteString(wait.queue) }
    let items = try ItemOptions(&settings, properties: properties) {
      wait?.objection(to: $0) ?? delay?.objection(to: $0)
    }
    warn(arguments, destination, broker, reporter)

    try checkOwner(destination, broker, reporter)
    let report = PublishReport(
      destination, arrival, total: items.total, reporter: reporter, showsProgress: items.showsProgress,
      outage: broker.connectTimeout)
    var configuration = configuration(broker, destination, properties, skip: items.skip)
    delay?.apply(to: &configuration)
    try wait?.begin(&configuration)
    let loop = try BatchPublisher(configuration, items.source, notify: report.notify, onTurn: report.turn)
    try report.serve(at: try MetricsOption.place(&settings, reporter) { PublicationMetrics(destination, $0) })
    let end = try loop.run()
    report.finish(loop.publication)
    let outcome = PublishOutcome(
      destination: destination, total: items.total, skipped: min(items.skip, loop.seenCount),
      counts: PublishCounts(loop.publication), arrival: arrival, broker: loop.broker)
    guard let failure = outcome.failure(end).map({ delay?.explained($0, end) ?? $0 }) else {
      if items.skip > loop.seenCount { reporter.report(Self.notice(ofSkipped: items.skip, of: loop.seenCount)) }
      reporter.report(outcome.success)
      try wait?.finish()
      return
    }
    // What was published may still have results.
    throw try wait?.giveUp(end, failure, mayCome: outcome.counts.accepted > 0) ?? failure
  }

  private static func properties(_ settings: inout Settings, _ delay: DelayOptions?) throws -> BasicProperties {
    var properties = try PropertyOptions.properties(&settings)
    properties.deliveryMode = 2
    try delay?.check(properties)
    return properties
  }

  private static func notice(ofSkipped skip: Int, of count: Int) -> LogEntry {
    LogEntry(.notice, "\(ItemOptions.skip) \(skip) leaves out all items: there \(count == 1 ? "is" : "are") \(count)")
  }

  private static func configuration(
    _ broker: BrokerOptions, _ destination: Destination, _ properties: BasicProperties, skip: Int
  ) -> BatchConfiguration {
    var configuration = BatchConfiguration(
      access: broker.access, heartbeat: broker.heartbeat,
      connectionName: "amqp-job publish \(destination.name)",
      destination: destination, properties: properties, skip: skip,
      limits: .init(outage: broker.connectTimeout))
    configuration.timestamp = { ThisProcess.time }
    configuration.limits.loginMayChange = broker.access.mayLoginChange
    configuration.ask(destination.question)
    // The queues behind an exchange are unknown, so only a queue can be asked about.
    if destination.exchange.isEmpty { configuration.inquiry = destination.question }
    return configuration
  }
}
