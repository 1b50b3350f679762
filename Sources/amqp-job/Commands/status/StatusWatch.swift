import AMQP
import Broker
import Console
import Linux

/// `amqp-job status --watch` and `--until`. On a terminal, each queue has one line, which is redrawn in place. `--until` alone shows
/// nothing.
struct StatusWatch {
  private let status: Status
  private let interval: Duration
  private let isShown: Bool
  /// nil for a watch that only a signal ends.
  private var wait: DrainWait?
  private var progress: [String: Progress] = [:]
  private var throughput: [String: Throughput] = [:]
  /// The number of lines above the cursor to be redrawn.
  private var drawnCount = 0
  private var hasLoggedIn = false
  /// Since when no connection has delivered figures. Such a connection is no better than none.
  private var failingSince: ContinuousClock.Instant?
  private var backOff = BackOff()

  init(_ status: Status, interval: Duration, isShown: Bool, until wait: DrainWait?) {
    self.status = status
    self.interval = interval
    self.isShown = isShown
    self.wait = wait
  }

  /// Returns when the queues are drained, if the watch waits for that.
  mutating func run() throws {
    // The kernel ignores the default action of signals for the first process of a container.
    let signals = try SignalReceiver(Signal.endings)
    do throws(ConversationError) {
      while try !watch(signals) {}
    } catch {
      guard case .stopped(let signal) = error else { throw error }
      ExitStatus.signal(signal).exit()
    }
  }

  /// Watches over one connection. Returns true once the queues are drained, and false when the connection is lost.
  private mutating func watch(_ signals: SignalReceiver) throws(ConversationError) -> Bool {
    do {
      let session = try connect(signals)
      hasLoggedIn = true
      try wait?.begin(session)
      try watch(session)
      session.close()
      return true
    } catch .connection(let failure) {
      let since = failingSince ?? .now
      failingSince = since
      guard ContinuousClock.now < since + status.broker.connectTimeout else {
        throw .failed(
          Failure(
            failure.isAboutCredentials ? .notPermitted : .unreachable,
            "\(failure), again and again\(Advice.seeConnectTimeout)"))
      }
      status.reporter.report(LogEntry(.notice, "\(failure); connecting again"))
      drawnCount = 0
      let pause = max(interval, backOff.pause(jitter: .random(in: 0...1)))
      try self.pause(until: next(.now + pause, at: failure.broker), signals)
      return false
    }
  }

  private func pause(until end: ContinuousClock.Instant, _ signals: SignalReceiver) throws(ConversationError) {
    do { try BrokerSession.pause(until: end, signals) } catch {
      throw error.explained { Failure(.internalError, "\($0)") }
    }
  }

  /// When to look at the queues again.
  private func next(
    _ next: ContinuousClock.Instant, at broker: BrokerURL
  ) throws(ConversationError) -> ContinuousClock.Instant {
    guard let wait else { return next }
    do throws(Failure) { return try wait.next(next, at: broker) } catch { throw .failed(error) }
  }

  /// Connects. The watch ends with a broker that cannot be reached or refuses the login. It goes on only with a login that was
  /// accepted before, if somebody may replace the credentials.
  /// Throws `ConversationError.connection` where the watch goes on.
  private func connect(_ signals: SignalReceiver) throws(ConversationError) -> BrokerSession {
    do {
      return try status.conversation.connect(signals: signals, isSilent: failingSince != nil)
    } catch .connection(let failure) {
      let mayChange = failure.kind == .loginRefused && hasLoggedIn && status.broker.access.mayLoginChange
      throw mayChange ? .connection(failure) : .failed(Failure(failure))
    }
  }

  private mutating func watch(_ session: BrokerSession) throws(ConversationError) {
    var lookup = QueueLookup(session)
    var next = ContinuousClock.now
    while true {
      var latest: [Look] = []
      for name in status.names {
        guard let figures = try lookup.figures(of: name) else {
          throw .failed(QueueLookup.noSuchQueue([name], session))
        }
        do throws(Failure) { latest.append(try look(figures)) } catch { throw .failed(error) }
      }
      if isShown { do throws(Failure) { try show(latest) { session.close() } } catch { throw .failed(error) } }
      (failingSince, backOff) = (nil, BackOff())
      if try wait?.isOver(latest.map(\.figures), session) == true { return }
      next = try self.next(max(next + interval, ContinuousClock.now), at: session.broker)
      try session.explainingErrors(about: status.names[0]) { () throws(SessionError) in try session.wait(until: next) }
    }
  }

  /// What is known of a queue.
  private struct Look {
    let figures: QueueFigures
    let progress: Progress
    let rates: QueueRates?

    var line: ProgressLine { ProgressLine(figures, progress, rates) }
  }

  /// - Throws: `Failure` if the job log cannot be read
  private mutating func look(_ figures: QueueFigures) throws(Failure) -> Look {
    var progress = progress[figures.name] ?? Progress()
    var throughput = throughput[figures.name] ?? Throughput(parallelism: status.jobLog?.parallelism)
    let (now, clock) = (ContinuousClock.now, ThisProcess.timeOfDay)
    progress.observe(left: figures.left, dead: figures.dead, at: now)
    throughput.observe(figures, at: now, ended: try status.jobLog?.newAttempts() ?? [], clock: clock)
    (self.progress[figures.name], self.throughput[figures.name]) = (progress, throughput)
    return Look(figures: figures, progress: progress, rates: throughput.rates(at: clock))
  }

  /// Shows the latest figures. If nobody reads standard output any more, calls `atEnd` and exits.
  private mutating func show(_ latest: [Look], atEnd: () -> Void) throws(Failure) {
    if status.isJSON {
      try Output.write(latest.map { "\($0.figures.json($0.progress, $0.rates))\n" }.joined(), atEnd: atEnd)
    } else if let terminal = Terminal.size {
      try draw(latest.map(\.line), terminal, atEnd: atEnd)
    } else {
      try Output.write(latest.map { $0.line.plain + "\n" }.joined(), atEnd: atEnd)
    }
  }

  private mutating func draw(
    _ latest: [ProgressLine], _ terminal: Terminal.Size, atEnd: () -> Void
  ) throws(Failure) {
    // Lines that have scrolled off the screen cannot be redrawn.
    let shown = latest.prefix(max(1, terminal.rows - 1))
    let back = drawnCount > 0 ? "\u{1B}[\(drawnCount)A" : ""
    let lines = DrawnProgress(Array(shown), width: terminal.columns - 1).lines
    try Output.write(back + lines.map { "\r\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J", atEnd: atEnd)
    drawnCount = shown.count
  }
}
