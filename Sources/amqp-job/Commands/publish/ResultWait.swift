import AMQP
import Arguments
import Broker
import Console
import JSONText
import Linux
import Publishing

/// Takes the results of published items, and prints them: while others are still published, and then until all have come. They come
/// into a queue that is made for them, by runners with `--result-queue reply-to`.
final class ResultWait {
  static let wait = Flag(
    "wait", "wait for the workers' results, and print them"
  )
  .common
  static let timeout = DefaultedOption("timeout", .timeLimit, default: Duration?.none) {
    "with --wait: how long the results may take to come once all items are published (default \($0): no limit)"
  }
  static let asCompleted = Flag(
    "as-completed", "with --wait: print results as they come, not in the order of the items")
  static let json = Flag("json", "with --wait: print one JSON object for each result")
  static let group = OptionGroup("Results", [wait, timeout, asCompleted, json])

  private static let reportPeriod: Duration = .seconds(60)
  /// How much may wait for the reader of standard output before no more results are taken.
  private static let mostUnwritten = 1 << 20

  /// Why no more results can be taken or printed.
  private enum Obstacle {
    case reading(ResultReader.End)
    case writing(SystemError)
  }

  private let names: ResultNames
  /// The queue of the items.
  private let source: WorkQueue
  private let limit: Duration?
  private let printsJSON: Bool
  private let broker: BrokerOptions
  private let reporter: Reporter
  private let conversation: BrokerConversation
  private var reader: ResultReader?
  private var expected: ExpectedResults
  private var output = OutputQueue(to: .output)
  private var obstacle: Obstacle?
  /// All items are published.
  private var isLast = false
  /// When to report next what the command waits for.
  private var nextReport = ContinuousClock.now

  /// nil if nobody waits.
  /// - Throws: `UsageError` if the results could not be told apart
  init?(
    _ settings: inout Settings, _ broker: BrokerOptions, _ reporter: Reporter, _ properties: BasicProperties,
    _ destination: Destination, _ delay: DelayOptions?
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
    limit = try settings.value(Self.timeout)
    if let limit { try delay?.check(timeout: limit) }
    printsJSON = try settings.value(Self.json)
    names = ResultNames()
    source = WorkQueue(destination.routingKey)
    expected = ExpectedResults(names.token, inOrder: try !settings.value(Self.asCompleted))
    (self.broker, self.reporter) = (broker, reporter)
    conversation = BrokerConversation("amqp-job publish --wait", broker, reporter)
  }

  /// The queue for the results.
  var queue: String { names.queue }

  /// Why an item with properties of its own cannot be published; nil if it can.
  func objection(to properties: BasicProperties) -> String? { names.objection(to: properties) }

  /// Makes the queue, and begins to read it. `configuration` is that of the publisher, which then takes the results, too.
  func begin(_ configuration: inout BatchConfiguration) throws {
    let declaration = Method.QueueDeclaration(
      name: ByteString(queue), arguments: ["x-queue-type": .string("classic"), "x-expires": .int32(ResultNames.expiry)])
    try conversation.hold(about: queue) { (conversation) throws(ConversationError) in
      try conversation.ask { session throws(SessionError) in
        _ = try session.declare(declaration, on: BrokerConversation.channel)
      }
    }
    reader = ResultReader(queue, configuration, name: "amqp-job publish --wait", now: .now)
    configuration.companion = self
    configuration.correlationID = { [expected] in expected.correlationID($0) }
  }

  /// The publication has ended early, and nothing is waited for. What has come is printed. If nothing can come any more, the queue is
  /// deleted; else it expires by itself. Returns the failure to end with.
  func giveUp(_ end: Publication.End, _ failure: Failure, mayCome: Bool) throws -> Failure {
    if case .signal = end { stop() } else { try printRest(try Self.receiver()) }
    reader?.close(now: .now)
    if mayCome { return failure.adding(names.stay) }
    deleteQueue()
    return failure
  }

  private func deleteQueue() {
    _ = try? conversation.hold(about: queue) { (conversation) throws(ConversationError) in
      try conversation.ask { session throws(SessionError) in
        _ = try session.delete(queue: queue, ifEmpty: false, on: BrokerConversation.channel)
      }
    }
  }

  private static func receiver() throws -> SignalReceiver { try SignalReceiver(Signal.endings) }

  // MARK: After the last item

  /// Waits for the results that are still to come, and prints them. Throws a `Failure` unless each worker exited 0.
  func finish() throws {
    guard expected.total > 0 else {
      reader?.close(now: .now)
      return deleteQueue()
    }
    isLast = true
    nextReport = .now + (reporter.patience ?? Self.reportPeriod)
    let signals = try Self.receiver()
    try wait(signals, until: limit.map { ContinuousClock.now + $0 })
    try closeReader(signals)
    guard expected.failedCount == 0 else {
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

  private func wait(_ signals: SignalReceiver, until deadline: ContinuousClock.Instant?) throws {
    while !(expected.isComplete && output.isEmpty) {
      if let obstacle { throw try failure(of: obstacle, signals) }
      let limit = expected.isComplete ? nil : deadline
      if let limit, ContinuousClock.now >= limit { throw try timeout(signals) }
      reportIfDue()
      let times = [limit, self.deadline, expected.isComplete ? nil : nextReport]
      let readiness = try poll([signals.interest] + interests, until: times.compactMap(\.self).min())
      try endOnSignal(signals, readiness[0])
      process(readiness[1...])
    }
  }

  private func reportIfDue() {
    guard !expected.isComplete, ContinuousClock.now >= nextReport else { return }
    nextReport = .now + Self.reportPeriod
    reporter.report(LogEntry(.notice, "\(ResultReport(expected).waiting(for: source, at: currentBroker))"))
  }

  private var currentBroker: BrokerURL { reader?.broker ?? broker.access.brokers[0] }

  private func endOnSignal(_ signals: SignalReceiver, _ readiness: PollReadiness) throws(Failure) {
    guard readiness.readable, let signal = signals.receive().first(where: { $0 != .child }) else { return }
    stop()
    throw Failure(.signal(signal), "ended by \(signal) while waiting: \(ResultReport(expected).came)\(names.stay)")
  }

  /// Prints what has come as far as its reader takes it at once.
  private func stop() {
    queueRest()
    if canWrite { write() }
    reader?.close(now: .now)
  }

  /// The broker's answer shows that the queue is deleted.
  private func closeReader(_ signals: SignalReceiver) throws {
    guard let reader else { return }
    let isAsked = reader.deleteQueue()
    reader.close(now: .now)
    guard isAsked else { return }
    while !reader.isClosed {
      let readiness = try poll([signals.interest] + reader.closingInterests, until: reader.closingDeadline)
      guard !readiness[0].readable else { return }
      reader.processClosing(readiness[1...], now: .now)
    }
  }

  private func queueRest() {
    for result in expected.takeRest() { output.append(bytes(of: result)) }
  }

  /// Prints what has come, although results before it are missing.
  private func printRest(_ signals: SignalReceiver) throws {
    queueRest()
    while canWrite, let interest = output.interest {
      let readiness = try poll([signals.interest, interest], until: nil)
      try endOnSignal(signals, readiness[0])
      write()
    }
  }

  // MARK: Failures

  private func timeout(_ signals: SignalReceiver) throws -> Failure {
    let line: LogMessage =
      """
      not all results came within \(limit?.text ?? "") (\(Self.timeout)): \(ResultReport(expected).came); a runner \
      publishes them with --result-queue reply-to\(names.stay)
      """
    try printRest(signals)
    return Failure(.temporaryFailure, line)
  }

  private func failure(of obstacle: Obstacle, _ signals: SignalReceiver) throws -> Failure {
    switch obstacle {
    case .writing(let error) where error.isBrokenPipe:
      // Nobody wants the results, as SIGPIPE says to other programs.
      Output.brokenPipe.exit()
    case .writing where ThisProcess.isOutputClosed:
      return Failure(.inputOutputError, "standard output is closed\(names.stay)")
    case .writing(let error):
      return Failure(.inputOutputError, "cannot write to standard output: \(error.reason)\(names.stay)")
    case .reading(let end):
      try printRest(signals)
      let came: LogMessage = "; \(ResultReport(expected).came)"
      return failure(of: end).adding(end == .deleted ? came : came + names.stay)
    }
  }

  private func failure(of end: ResultReader.End) -> Failure {
    switch end {
    case .deleted: Failure(.noQueue, "queue '\(queue)' was deleted, and with it what was to come")
    case .itemsDeleted:
      Failure(.noQueue, "queue '\(source.name)' at \(currentBroker) was deleted, and the items in it went with it")
    case .refused(let reason):
      Failure(.refused(reason), queue: queue, broker: currentBroker)
    case .broker(let failure): Failure(failure)
    }
  }
}

// MARK: - While items are published

extension ResultWait: Companion {
  var interests: [PollInterest] { [reader?.interest, canWrite ? output.interest : nil].compactMap(\.self) }
  var deadline: ContinuousClock.Instant? { reader?.deadline }
  var wantsItems: Bool { obstacle == nil }

  func took(_ number: Int, id: ByteString?) {
    expected.expect(number, id: id)
    reader?.isAwaiting = true
  }

  func process(_ readiness: ArraySlice<PollReadiness>) {
    guard let reader else { return }
    let ofReader = reader.interest == nil ? PollReadiness() : readiness.first ?? PollReadiness()
    for event in reader.process(ofReader, now: .now) {
      switch event {
      case .message(let delivery):
        for result in expected.take(delivery.properties, body: delivery.body) { output.append(bytes(of: result)) }
        reader.acknowledge(delivery)
      // While items are published, the same is told of their connection.
      case .lost(let failure): if isLast { reporter.report(LogEntry(.notice, "\(failure); connecting again")) }
      case .ended(let end): obstacle = obstacle ?? .reading(end)
      }
    }
    if canWrite { write() }
    reader.isAwaiting = !expected.isComplete
    reader.isPaused = output.byteCount > Self.mostUnwritten
    reader.flush()
  }

  private var canWrite: Bool {
    if case .writing = obstacle { false } else { true }
  }

  private func write() {
    do { try output.write() } catch { obstacle = .writing(error) }
  }

  private func bytes(of result: PublishedResult) -> [UInt8] {
    printsJSON ? Array("\(result.json)\n".utf8) : result.body
  }
}
