import AMQP
import Arguments
import Broker
import Console
import JSONText
import Linux
import Publishing

/// Waits for the results of published items, and prints them. They come into a queue that is made for them, by runners with
/// `--result-queue reply-to`.
final class ResultWait {
  static let wait = Flag(
    "wait", "wait for the workers' results, and print them"
  )
  .common
  static let timeout = DefaultedOption("timeout", .timeLimit, default: Duration?.none) {
    "with --wait: how long the results may take to come (default \($0): no limit)"
  }
  static let asCompleted = Flag(
    "as-completed", "with --wait: print results as they come, not in the order of the items")
  static let json = Flag("json", "with --wait: print one JSON object for each result")
  static let group = OptionGroup("Results", [wait, timeout, asCompleted, json])

  /// How long the queue lasts when nobody waits any more, in milliseconds.
  private static let expiry: Int32 = 24 * 60 * 60 * 1000
  private static let prefetchCount: UInt16 = 64
  private static let reportPeriod: Duration = .seconds(60)

  /// The queue for the results.
  let queue = "amqp-job.results.\(String(UInt64.random(in: .min ... .max), radix: 16))"
  /// The queue of the items.
  private let source: WorkQueue
  private let limit: Duration?
  private let printsJSON: Bool
  private let broker: BrokerOptions
  private let reporter: Reporter
  private let conversation: BrokerConversation
  private var expected: ExpectedResults
  /// When to report next what the command waits for.
  private var nextReport = ContinuousClock.now

  /// nil if nobody waits.
  /// - Throws: `UsageError` if the results could not be told apart
  init?(
    _ settings: inout Settings, _ broker: BrokerOptions, _ reporter: Reporter, _ properties: BasicProperties,
    _ destination: Destination
  ) throws {
    guard try settings.value(Self.wait) else {
      let others: [any CommandOption] = [Self.timeout, Self.asCompleted, Self.json]
      if let other = others.first(where: { settings.isGiven($0) }) {
        throw UsageError("--\(other.name) goes with \(Self.wait)")
      }
      return nil
    }
    guard destination.exchange.isEmpty else {
      throw UsageError("\(Self.wait) goes with a queue: behind an exchange an item may have any number of results")
    }
    guard properties.replyTo == nil, properties.correlationID == nil, properties.messageID == nil else {
      throw UsageError("\(Self.wait) tells results apart by a reply-to and ids of its own: give it none")
    }
    source = WorkQueue(destination.routingKey)
    limit = try settings.value(Self.timeout)
    printsJSON = try settings.value(Self.json)
    expected = ExpectedResults(inOrder: try !settings.value(Self.asCompleted))
    (self.broker, self.reporter) = (broker, reporter)
    conversation = BrokerConversation("amqp-job publish --wait", broker, reporter)
  }

  /// Makes the queue.
  func begin() throws {
    let declaration = Method.QueueDeclaration(
      name: ByteString(queue), arguments: ["x-queue-type": .string("classic"), "x-expires": .int32(Self.expiry)])
    try conversation.hold(about: queue) { (conversation) throws(ConversationError) in
      try conversation.ask { session throws(SessionError) in
        _ = try session.declare(declaration, on: BrokerConversation.channel)
      }
    }
  }

  func expect(_ number: Int, _ id: ByteString?) {
    if let id { expected.expect(number, id: id) }
  }

  /// Nothing is waited for, because not everything was published.
  func giveUp() {
    _ = try? conversation.hold(about: queue) { (conversation) throws(ConversationError) in
      try conversation.ask { session throws(SessionError) in try delete(session) }
    }
  }

  private func delete(_ session: BrokerSession) throws(SessionError) {
    _ = try session.delete(queue: queue, ifEmpty: false, on: BrokerConversation.channel)
  }

  // MARK: Results

  /// Waits for the results, and prints them. Throws a `Failure` unless each worker exited 0.
  func finish() throws {
    guard expected.total > 0 else { return giveUp() }
    let signals = try SignalReceiver([.terminate, .interrupt, .hangup])
    let deadline = limit.map { ContinuousClock.now + $0 }
    nextReport = .now + (reporter.patience ?? Self.reportPeriod)
    while !expected.isComplete {
      do {
        try receive(signals, until: deadline)
      } catch SessionError.connection(let failure) where failure.kind == .lost {
        reporter.report(LogEntry(.notice, "\(failure); connecting again"))
      } catch let error as SessionError {
        throw ended(by: error)
      }
    }
    guard expected.failures.isEmpty else {
      throw ResultReport(expected).failure(of: source, deadQueue: try? deadQueue())
    }
  }

  /// The queue in which the dead letters are. nil if there is none that the user may see.
  private func deadQueue() throws -> String? {
    guard ShortString(source.deadName) != nil else { return nil }
    return try conversation.hold(about: source.deadName) { (conversation) throws(ConversationError) in
      try conversation.ask { session throws(SessionError) in
        try session.queueStatusIfKnown(source.deadName, on: BrokerConversation.channel).map { _ in source.deadName }
      }
    }
  }

  private func receive(_ signals: SignalReceiver, until deadline: ContinuousClock.Instant?) throws {
    let session = try conversation.session(signals: signals)
    defer { session.close() }
    let channel = BrokerConversation.channel
    try session.openChannel(channel)
    _ = try session.call(.basicQoS(prefetchCount: Self.prefetchCount), on: channel) { $0 == .basicQoSOK ? true : nil }
    try session.send(
      .basicConsume(queue: ByteString(queue), consumerTag: "results", arguments: FieldTable()), on: channel)
    while !expected.isComplete {
      switch try nextEvent(session, until: deadline) {
      case .delivered(channel, let delivery):
        for result in expected.take(delivery.properties, body: delivery.body) { try write(result) }
        try session.send(.basicAck(deliveryTag: delivery.envelope.deliveryTag, multiple: false), on: channel)
      case .method(channel, .channelClose(let reason)): throw SessionError.refused(reason)
      case .method(channel, .basicCancel):
        throw Failure(
          .noQueue,
          "queue '\(queue)' was deleted, and with it what was to come; \(came)")
      default: break
      }
    }
    try delete(session)
  }

  private func nextEvent(
    _ session: BrokerSession, until deadline: ContinuousClock.Instant?
  ) throws(SessionError) -> Connection.Event {
    while true {
      do throws(SessionError) {
        return try session.nextEvent(until: min(deadline ?? nextReport, nextReport))
      } catch .unanswered where deadline.map({ ContinuousClock.now < $0 }) ?? true {
        nextReport = .now + Self.reportPeriod
        reporter.report(LogEntry(.notice, "\(ResultReport(expected).waiting(for: source, at: session.broker))"))
      }
    }
  }

  private var came: String {
    let report = ResultReport(expected)
    return report.arrival + report.failedItems
  }

  private func ended(by error: SessionError) -> Failure {
    let came = came
    for result in expected.takeRest() { try? write(result) }
    switch error {
    case .unanswered where limit != nil:
      return Failure(
        .temporaryFailure,
        "not all results came within \(limit?.text ?? "") (\(Self.timeout)): \(came); a runner publishes them with "
          + "--result-queue reply-to")
    case .stopped(let signal): return Failure(.signal(signal), "ended by \(signal) while waiting: \(came)")
    default:
      var failure = Failure(error, queue: queue, broker: broker.access.brokers[0])
      failure.message += "; \(came)"
      return failure
    }
  }

  // MARK: Printing

  private func write(_ result: PublishedResult) throws(Failure) {
    try Output.write(printsJSON ? Array("\(json(result))\n".utf8) : result.body)
  }

  private func json(_ result: PublishedResult) -> JSON {
    let text = String(validating: result.body, as: UTF8.self)
    let members: [(String, JSON?)] = [
      ("item", .integer(Int64(result.number))), ("id", .text(result.id)),
      ("status", result.status.map { .integer(Int64($0)) }), ("attempt", result.attempts.map { .integer(Int64($0)) }),
      ("seconds", result.seconds.map(JSON.number)), ("host", result.host.map(JSON.text)),
      ("body", text.map(JSON.text)), ("body_base64", text == nil ? .text(Base64.encoded(result.body)) : nil),
    ]
    return .object(members.compactMap { name, value in value.map { .init(name, $0) } })
  }
}
