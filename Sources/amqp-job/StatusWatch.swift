import Broker
import Console
import Linux

/// `amqp-job status --watch`: on a terminal, one line a queue, drawn over and over in the same place. And `--until`, with which it
/// may go on unseen.
struct StatusWatch {
  private let status: Status
  private let interval: Duration
  private let isShown: Bool
  /// nil for a watch that ends by a signal alone.
  private var wait: DrainWait?
  private var progress: [String: Progress] = [:]
  /// How many lines stand above the cursor that are to be drawn over.
  private var drawnCount = 0
  private var hasLoggedIn = false
  /// Since when no connection has brought a look: that is as bad as none.
  private var uselessSince: ContinuousClock.Instant?
  private var backOff = BackOff()

  init(_ status: Status, interval: Duration, isShown: Bool, until wait: DrainWait?) {
    self.status = status
    self.interval = interval
    self.isShown = isShown
    self.wait = wait
  }

  /// Returns when what is waited for is there.
  /// - Throws: `Failure`
  mutating func run() throws {
    // The default action is not taken for a container's first process.
    let signals = try SignalReceiver([.terminate, .interrupt, .hangup])
    do {
      while try !watch(signals) {}
    } catch let stopped as BrokerSession.Stopped {
      ExitStatus.signal(stopped.signal).exit()
    }
  }

  /// Until a connection is lost; true once what is waited for is there.
  private mutating func watch(_ signals: SignalReceiver) throws -> Bool {
    do {
      let session = try status.connect(signals: signals, again: hasLoggedIn, isTold: uselessSince != nil)
      hasLoggedIn = true
      try wait?.begin(session)
      try watch(session)
      session.close()
      return true
    } catch let failure as BrokerFailure {
      let since = uselessSince ?? .now
      uselessSince = since
      guard ContinuousClock.now < since + status.broker.connectTimeout else {
        throw Failure(
          failure.isAboutCredentials ? .notPermitted : .unreachable,
          "\(failure), again and again (see --connect-timeout)")
      }
      status.reporter.report(LogEntry(.notice, "\(failure); connecting again"))
      drawnCount = 0
      let pause = max(interval, backOff.pause(chance: .random(in: 0...1)))
      try BrokerSession.pause(until: wait?.next(.now + pause, at: failure.broker) ?? .now + pause, signals)
      return false
    }
  }

  private mutating func watch(_ session: BrokerSession) throws {
    var lookup = QueueLookup(session)
    var next = ContinuousClock.now
    while true {
      var looks: [(QueueFigures, Progress)] = []
      for name in status.names {
        guard let figures = try lookup.figures(of: name) else { throw QueueLookup.noSuchQueue([name], session) }
        progress[name, default: Progress()].observe(left: figures.left, at: .now)
        looks.append((figures, progress[name] ?? Progress()))
      }
      if isShown { try show(looks) { session.close() } }
      (uselessSince, backOff) = (nil, BackOff())
      if try wait?.isOver(looks.map(\.0), session) == true { return }
      next = max(next + interval, .now)
      next = try wait?.next(next, at: session.broker) ?? next
      try session.wait(until: next)
    }
  }

  /// `atEnd` is done before the end where nobody reads.
  private mutating func show(_ looks: [(QueueFigures, Progress)], atEnd: () -> Void) throws {
    if status.isJSON {
      try Output.write(looks.map { figures, progress in "\(figures.json(progress))\n" }.joined(), atEnd: atEnd)
    } else if let terminal = Terminal.size {
      try draw(looks, terminal, atEnd: atEnd)
    } else {
      let lines = looks.map { figures, progress in ProgressLine(figures, progress).plain + "\n" }
      try Output.write(lines.joined(), atEnd: atEnd)
    }
  }

  private mutating func draw(
    _ looks: [(QueueFigures, Progress)], _ terminal: Terminal.Size, atEnd: () -> Void
  ) throws {
    // What has left the screen at its top cannot be drawn over.
    let shown = looks.prefix(max(1, terminal.rows - 1))
    let back = drawnCount > 0 ? "\u{1B}[\(drawnCount)A" : ""
    let lines = DrawnProgress(shown.map { ProgressLine($0, $1) }, width: terminal.columns - 1).lines
    try Output.write(back + lines.map { "\r\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J", atEnd: atEnd)
    drawnCount = shown.count
  }
}
