internal import AMQP
package import Broker
package import Console
package import Linux
package import Telemetry

/// Carries out a candidate's decisions. One thread polls the broker's socket, signals and timers.
package final class ElectionLoop {
  package struct Configuration {
    package var election: String
    /// The candidate's name, which others are told while it leads.
    package var name: String
    package var plan: LeasePlan
    /// The command that runs while the candidate leads.
    package var command: ProcessGroups.Program?
    /// The path of the file that is there while the candidate leads.
    package var leaderFile: String?
    /// Where HTTP clients can ask who leads.
    package var listener: TCPListener?
    package var metrics: MetricsPlace<CandidateMetrics>?
    /// Whether the command serves its own metrics there while it runs. It gets the socket as its standard input.
    package var commandServesMetrics = false
    package var access: BrokerAccess
    /// In seconds.
    package var heartbeat: UInt16
    package var connectTimeout: Duration
    package var connectionName: String

    package init(
      election: String, name: String, plan: LeasePlan, access: BrokerAccess, heartbeat: UInt16,
      connectTimeout: Duration,
      connectionName: String
    ) {
      (self.election, self.name, self.plan) = (election, name, plan)
      (self.access, self.heartbeat, self.connectTimeout) = (access, heartbeat, connectTimeout)
      self.connectionName = connectionName
    }
  }

  /// How long the broker may take to answer the close of the connection. The successor gets the last state with it.
  private static let closeLimit: Duration = .seconds(1)

  private let configuration: Configuration
  private let queue: ElectionQueue
  private let log: (LogEntry) -> Void
  private let signals: SignalReceiver
  private let processes: ProcessGroups
  private let work: Work
  private let page: LeaderPage?
  private let metrics: MetricsPage<CandidateMetrics>?
  private var candidate: Candidate
  private var contact: Contact
  private var link: ElectionLink?
  private var closing = ClosingLinks()
  /// When to connect; nil while there is a connection.
  private var connectAt: ContinuousClock.Instant? = .now
  private var end: CandidateEnd?

  /// Takes over the process's signals and child processes.
  /// - Throws: `SystemError`, or `RecordFile.LinkError` if the leader file is a link. The code is EEXIST if it is another file.
  package init(_ configuration: Configuration, log: @escaping (LogEntry) -> Void) throws {
    self.configuration = configuration
    self.log = log
    queue = ElectionQueue(election: configuration.election)
    let file = try configuration.leaderFile.map { try PresenceFile($0, isOurs: LeaderDocument.isContent) }
    signals = try SignalReceiver(Signal.passedOn)
    processes = ProcessGroups(receiver: signals, companionFile: configuration.leaderFile)
    try processes.startGuardian()
    let name = ByteString(configuration.name)
    work = Work(
      processes, configuration.command, file, name: name,
      listener: configuration.commandServesMetrics ? configuration.metrics?.listener : nil)
    candidate = Candidate(
      identity: ByteString(String(UInt64.random(in: .min ... .max), radix: 16)), name: name, plan: configuration.plan)
    contact = Contact(
      timeout: configuration.connectTimeout, plan: configuration.plan,
      mayLoginChange: configuration.access.mayLoginChange, now: .now)
    page = try configuration.listener.map { try LeaderPage($0) }
    metrics = try configuration.metrics?.open()
  }

  /// Runs until the candidate has come to its end.
  /// - Throws: `SystemError`
  package func run() throws -> CandidateEnd {
    while end == nil {
      try turn()
      page?.update(candidate.standing)
      metrics?.update { $0.turned(candidate, joinCount: contact.joinCount, at: .now) }
    }
    disconnect()
    try closing.finish()
    processes.stop()
    return end ?? .failed(.internalError, "the candidate has no end")
  }

  private func turn() throws {
    var interests = [signals.interest]
    let linkIndex = interests.add(link?.interest)
    let firstClosing = interests.count
    interests += closing.interests
    let deadlines = [
      connectAt, link?.deadline, closing.deadline, candidate.deadline, metrics.map { _ in .now + Vitals.period },
    ]
    let readiness = try retryingOnShortage { try poll(interests, until: deadlines.compactMap(\.self).min()) }

    processLink(linkIndex.map { readiness[$0] } ?? PollReadiness())
    closing.process(readiness[firstClosing...], now: .now)
    if readiness[0].readable { receiveSignals() }
    if let deadline = candidate.deadline, deadline <= .now { handle(.due) }
    if let time = connectAt, time <= .now, end == nil { connect() }
  }

  // MARK: The connection

  private func connect() {
    connectAt = nil
    let broker = contact.next(of: configuration.access.current())
    let parameters = Connection.Parameters(
      url: broker, heartbeat: configuration.heartbeat, name: configuration.connectionName)
    link = ElectionLink(broker, parameters, configuration.access, queue)
  }

  private func disconnect() {
    if let link { closing.add(link.link, limit: .now + Self.closeLimit) }
    link = nil
  }

  private func processLink(_ readiness: PollReadiness) {
    guard let link else { return }
    for event in link.process(readiness, now: .now) {
      // An earlier event may have ended the link.
      guard self.link === link else { return }
      switch event {
      case .joined(let replyTo):
        contact.joined()
        log(LogEntry(.info, "candidate '\(configuration.name)' for '\(configuration.election)' at \(link.link.broker)"))
        handle(.joined(replyTo: replyTo))
      case .received(let message?, let tag): handle(.received(message, deliveryTag: tag))
      case .received(nil, let tag): handle(.receivedOther(deliveryTag: tag))
      case .confirmed(let id): handle(.confirmed(id))
      case .blocked(let reason): blocked(reason, link.link.broker)
      case .ended(let ending): ended(ending, link.link.broker)
      }
    }
    self.link?.link.flush()
  }

  private func blocked(_ reason: String?, _ broker: BrokerURL) {
    let line: LogMessage =
      reason.map { "the broker at \(broker) takes no messages: \($0)" } ?? "the broker takes messages again"
    log(LogEntry(reason == nil ? .notice : .warning, line))
  }

  private func ended(_ ending: ElectionLink.Ending, _ broker: BrokerURL) {
    disconnect()
    handle(.parted)
    let (now, jitter) = (ContinuousClock.now, Double.random(in: 0...1))
    switch ending {
    case .failed(let failure): follow(contact.failed(failure, now: now, jitter: jitter))
    case .broken(let reason): follow(contact.broken("\(reason)", now: now, jitter: jitter))
    case .refused(let reason):
      let refusal = RefusedQueue(reason, queue: queue.name, place: "queue '\(queue.name)' at \(broker)")
      follow(
        refusal.mayPass ? contact.broken(refusal.line, now: now, jitter: jitter) : .giveUp(refusal.status, refusal.line)
      )
    }
  }

  private func follow(_ verdict: Contact.Verdict) {
    switch verdict {
    case .retry(let pause, let entry):
      log(entry)
      connectAt = .now + pause
    case .giveUp(let status, let line): handle(.failed(status, line))
    }
  }

  // MARK: Events

  private func receiveSignals() {
    for signal in signals.receive() where signal != .child { handle(.signal(signal)) }
    if let end = work.reap() { handle(.workEnded(end)) }
  }

  private func handle(_ event: Candidate.Event) {
    var events = [event]
    while end == nil, !events.isEmpty {
      let event = events.removeFirst()
      if case .workEnded = event { workEnded() }
      for action in candidate.handle(event, now: .now) {
        if let end = perform(action) { events.append(.workEnded(end)) }
      }
    }
    link?.link.flush()
  }

  /// Returns how the work has ended, if the action ends it.
  private func perform(_ action: Candidate.Action) -> Candidate.WorkEnd? {
    switch action {
    case .publish(let message): publish(message)
    case .ack(let tag): link?.ack(tag)
    case .begin(let epoch, let limit): return begin(epoch, limit)
    case .extend(let limit): work.extend(limit: limit)
    case .stop(let signal): return work.stop(signal)
    case .signal(let signal): work.signal(signal)
    case .log(let entry): log(entry)
    case .finish(let end): self.end = end
    }
    return nil
  }

  private func begin(_ epoch: Int64, _ limit: ContinuousClock.Instant) -> Candidate.WorkEnd? {
    if configuration.commandServesMetrics { metrics?.pause() }
    return work.begin(epoch: epoch, limit: limit)
  }

  private func workEnded() {
    do throws(SystemError) { try metrics?.resume() } catch {
      log(LogEntry(.warning, "metrics are served no more: \(error); the candidate goes on"))
    }
  }

  private func publish(_ message: ElectionMessage) {
    do { try link?.publish(message) } catch { log(LogEntry(.warning, "a message could not be sent: \(error)")) }
  }
}
