package import AMQP
package import Broker
package import Console
package import Linux
package import Telemetry

/// Carries out the decisions of a publisher. One thread polls the broker's socket, the source, signals and timers.
package final class SourceLoop {
  package struct Configuration {
    package var queue: String
    package var source: SourceAddress
    package var publisher: SourcePublisher.Settings
    /// The field of an item's data that is the body; nil for all of the data.
    package var field: String?
    /// The properties that all items share.
    package var properties: BasicProperties
    /// The shell, if the source is a command.
    package var program: ProcessGroups.Program?
    package var access: BrokerAccess
    /// In seconds.
    package var heartbeat: UInt16
    package var connectTimeout: Duration
    package var userAgent: String
    package var metrics: MetricsPlace<PublisherMetrics>?

    package init(
      queue: String, source: SourceAddress, publisher: SourcePublisher.Settings, properties: BasicProperties,
      access: BrokerAccess, heartbeat: UInt16, connectTimeout: Duration, userAgent: String
    ) {
      (self.queue, self.source, self.publisher, self.properties) = (queue, source, publisher, properties)
      (self.access, self.heartbeat, self.connectTimeout) = (access, heartbeat, connectTimeout)
      self.userAgent = userAgent
    }

    var ledger: LedgerQueue { LedgerQueue(of: queue) }
  }

  package enum End {
    case source(SourceEnd)
    case broker(BrokerFailure)
    case refused(CloseReason, queue: String, BrokerURL)
    case unsendable(AMQPError, BrokerURL)
  }

  /// How long the broker may take to answer the close of the connection.
  private static let closeLimit: Duration = .seconds(1)

  private let configuration: Configuration
  private let log: (LogEntry) -> Void
  private let signals: SignalReceiver
  private let reader: any SourceReader
  private let metrics: MetricsPage<PublisherMetrics>?
  private var publisher: SourcePublisher
  private var attempts: ConnectionAttempts
  private var link: PublisherLink?
  private var closing = ClosingLinks()
  /// When to connect; nil while there is a connection.
  private var connectAt: ContinuousClock.Instant? = .now
  /// Whether the socket is looked at before anything is sent. A large list takes time, in which the connection may have ended.
  private var looksFirst = false
  private var end: End?

  /// Takes over the process's signals and child processes.
  /// - Throws: `SystemError`
  package init(_ configuration: Configuration, log: @escaping (LogEntry) -> Void) throws {
    self.configuration = configuration
    self.log = log
    signals = try SignalReceiver(Signal.endings)
    reader = try Self.reader(configuration, signals)
    metrics = try configuration.metrics?.open()
    publisher = SourcePublisher(configuration.publisher)
    attempts = ConnectionAttempts(
      timeout: configuration.connectTimeout, mayLoginChange: configuration.access.mayLoginChange, now: .now)
  }

  private static func reader(_ configuration: Configuration, _ signals: SignalReceiver) throws -> any SourceReader {
    switch configuration.source {
    case .http(let origin):
      return try HTTPSource(origin, field: configuration.field, userAgent: configuration.userAgent)
    case .directory(let path, let pattern):
      return DirectorySource(path, pattern: pattern, growthPeriod: SourcePublisher.growthPeriod)
    case .command:
      guard let program = configuration.program else { preconditionFailure("a command needs a shell") }
      let processes = ProcessGroups(receiver: signals)
      try processes.startGuardian()
      return CommandSource(program, field: configuration.field, processes)
    }
  }

  /// Runs until the publisher has come to its end.
  /// - Throws: `SystemError`
  package func run() throws -> End {
    while true {
      try turn()
      metrics?.update { $0.turned(at: .now) }
      guard let end else { continue }
      disconnect()
      reader.stop()
      try closing.finish()
      return end
    }
  }

  private func turn() throws {
    var interests = [signals.interest]
    let linkIndex = interests.add(link?.interest)
    let firstOfReader = interests.count
    interests += reader.interests
    let firstClosing = interests.count
    interests += closing.interests
    let deadlines = [
      connectAt, link?.deadline, closing.deadline, publisher.deadline, reader.deadline,
      metrics.map { _ in .now + Vitals.period },
    ]
    let deadline = looksFirst ? ContinuousClock.now : deadlines.compactMap(\.self).min()
    let readiness = try retryingOnShortage { try poll(interests, until: deadline) }

    looksFirst = false
    processLink(linkIndex.map { readiness[$0] } ?? PollReadiness())
    closing.process(readiness[firstClosing...], now: .now)
    take(reader.process(readiness[firstOfReader..<firstClosing]))
    if readiness[0].readable { receiveSignals() }
    if let deadline = publisher.deadline, deadline <= .now { handle(.due) }
    send()
    if let time = connectAt, time <= .now, end == nil { connect() }
  }

  private func receiveSignals() {
    for signal in signals.receive() {
      if signal == .child { take(reader.childEnded()) } else { handle(.signal(signal)) }
    }
  }

  // MARK: The connection

  private func connect() {
    connectAt = nil
    let broker = attempts.next(of: configuration.access.current())
    let parameters = Connection.Parameters(
      url: broker, heartbeat: configuration.heartbeat, name: "amqp-job publish \(configuration.queue)")
    link = PublisherLink(broker, parameters, configuration)
  }

  private func disconnect() {
    if let link { closing.add(link.link, limit: .now + Self.closeLimit) }
    link = nil
  }

  private func processLink(_ readiness: PollReadiness) {
    guard let link else { return }
    for event in link.process(readiness, now: .now) {
      // An earlier event may have ended the link.
      guard self.link === link, end == nil else { return }
      switch event {
      case .publisher(let event):
        if case .joined = event { attempts.joined() }
        handle(event)
      case .blocked(let reason): blocked(reason, link.link.broker)
      case .ended(let ending): ended(ending, link.link.broker)
      }
    }
    self.link?.link.flush()
  }

  private func blocked(_ reason: String?, _ broker: BrokerURL) {
    let line: LogMessage =
      reason.map { "the broker at \(broker) takes nothing for now (\($0)): waiting" }
      ?? "the broker at \(broker) takes items again"
    log(LogEntry(.notice, line))
  }

  private func ended(_ ending: PublisherLink.Ending, _ broker: BrokerURL) {
    disconnect()
    defer { handle(.parted) }
    switch ending {
    case .failed(let failure) where attempts.isFinal(failure): end = .broker(failure)
    case .failed(let failure): retry("\(failure)", orEnd: .broker(failure))
    case .broken(let reason):
      let failure = BrokerFailure(.unreachable, broker: broker, detail: reason)
      retry("\(reason)", orEnd: .broker(failure))
    case .refused(let reason, let queue):
      let end = End.refused(reason, queue: queue, broker)
      guard reason.refusal == .nodeIsDown || reason.refusal == .trouble else { return self.end = end }
      retry("queue '\(queue)': \(reason.text)", orEnd: end)
    case .unsendable(let error): end = .unsendable(error, broker)
    }
  }

  private func retry(_ line: LogMessage, orEnd end: End) {
    switch attempts.failed(now: .now, jitter: Double.random(in: 0...1)) {
    case .retry(let pause, let isFirst):
      if isFirst { log(LogEntry(attempts.hasJoined ? .warning : .notice, "\(line); connecting again")) }
      connectAt = .now + pause
    case .giveUp: self.end = end
    }
  }

  // MARK: Events

  private func take(_ answer: SourceAnswer?) {
    switch answer {
    case .list(let list):
      handle(.listed(list))
      looksFirst = true
    case .item(let name, let item): handle(.fetched(name, item))
    case nil: break
    }
  }

  /// Sends as long as there is something to send, and room for it.
  private func send() {
    while end == nil, !looksFirst, let link, link.isReady, publisher.wantsRoom, handle(.room) { link.link.flush() }
    link?.link.flush()
  }

  /// Returns whether anything was done.
  @discardableResult
  private func handle(_ event: SourcePublisher.Event) -> Bool {
    guard end == nil else { return false }
    metrics?.update { $0.observe(event) }
    let actions = publisher.handle(event, now: .now)
    for action in actions { perform(action) }
    return !actions.isEmpty
  }

  private func perform(_ action: SourcePublisher.Action) {
    switch action {
    case .consume: link?.consume()
    case .publish(let message): link?.publish(message)
    case .publishItem(let name, let body): link?.publish(name, body)
    case .ack(let tag, let multiple): link?.ack(tag, multiple: multiple)
    case .release: link?.release()
    case .list: take(reader.list())
    case .fetch(let name): take(reader.fetch(name))
    case .log(let entry): log(entry)
    case .finish(let end): self.end = .source(end)
    }
  }
}
