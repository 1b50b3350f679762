internal import AMQP
package import Console
package import Linux

/// The decisions of the publisher that is active: events go in, and actions come out. The time is passed in, and nothing here waits.
///
/// The ledger is read anew over each connection, so a lost connection is like a crash, but for what this value remembers. The order
/// is: publish a batch of items, confirmed; then its record, confirmed. So a crash between the two repeats one batch, and loses none.
package struct SourcePublisher {
  package struct Settings {
    /// The source, as messages name it.
    package var source: String
    /// The queue of the ledger.
    package var ledger: String
    package var period: Duration
    /// Whether it ends after one complete poll.
    package var isOnce: Bool
    package var epoch: Int64

    package init(source: String, ledger: String, period: Duration, isOnce: Bool, epoch: Int64) {
      (self.source, self.ledger, self.period, self.isOnce, self.epoch) = (source, ledger, period, isOnce, epoch)
    }
  }

  enum Event {
    /// There is a connection, and a consumer of the ledger.
    case joined
    /// The connection is of no use any more.
    case parted
    /// A message of the ledger; nil for one that makes no sense.
    case delivered(LedgerMessage?, deliveryTag: UInt64)
    /// The consumer of the ledger is gone, and what was not acked is back.
    case released
    case settled(Sent, isConfirmed: Bool)
    /// The broker finds an item too large. The connection goes on with a new channel, or not at all.
    case tooLarge(ByteString, reason: String)
    /// It finds one of several items too large, and does not say which. The connection is of no use any more.
    case oneTooLarge(reason: String)
    /// A file changed while it was sent.
    case changed(ByteString, reason: String)
    /// More can be sent.
    case room
    case listed(SourceList)
    case fetched(ByteString, FetchedItem)
    case signal(Signal)
    case due
  }

  /// What was published, for its confirmation.
  enum Sent: Hashable {
    case mark
    case record
    case item(ByteString)
  }

  enum Action {
    /// Consume the ledger's queue.
    case consume
    case publish(LedgerMessage)
    case publishItem(ByteString, ItemBody)
    case ack(deliveryTag: UInt64, multiple: Bool)
    /// End the consumer of the ledger, and give back what is not acked, in one step.
    case release
    case list
    case fetch(ByteString)
    case log(LogEntry)
    case finish(SourceEnd)
  }

  enum Stage {
    case parted
    case reading(LedgerReading, mark: ByteString)
    /// A snapshot is being published. The acknowledgement of `deliveryTag`, and of all before it, follows.
    case rewriting(ArraySlice<LedgerRecord>, Rewriting)
    case releasing
    case resting(until: ContinuousClock.Instant)
    case listing(since: ContinuousClock.Instant)
    case polling(Poll, recording: LedgerRecord?)
    /// What is in the queue since the last connection is being recorded.
    case recovering(LedgerRecord)
  }

  /// The items that the broker finds too large, and what was said of the last one.
  struct Refused {
    var names: Set<ByteString> = []
    var line: LogMessage?
    /// Whether there is one more, which is found by publishing each item alone.
    var isSought = false
  }

  struct Rewriting {
    var count: Int
    var openCount = 0
    var deliveryTag: UInt64
  }

  /// How long the consumer of the ledger may wait for its first message before a line says so.
  static let readingPatience: Duration = .seconds(10)
  /// How far apart the two looks at a file that may be growing are.
  package static let growthPeriod: Duration = .seconds(2)
  /// How long a source that cannot be reached may take to start, with `isOnce`, and how often it is tried meanwhile.
  static let startLimit: Duration = .seconds(15)
  static let startPeriod: Duration = .milliseconds(500)
  /// How long what was published may take to be recorded after a signal.
  private static let stopLimit: Duration = .seconds(4)

  let settings: Settings
  var stage = Stage.parted
  var ledger: Ledger?
  var position: LedgerRecord.Position
  var complaints: Complaints
  /// What is in the queue but may not be in the ledger, since the connection was lost.
  var unrecorded: [ByteString] = []
  /// The items that could not be read when they were last tried.
  var late: Set<ByteString> = []
  var refused = Refused()
  /// When the source was asked first.
  var firstLook: ContinuousClock.Instant?
  /// Whether the source has not answered yet.
  var isSourceBusy = false
  /// Whether files were looked at for the second time, with `isOnce`.
  var hasLookedTwice = false
  var patienceEnd: ContinuousClock.Instant?
  /// When the next poll begins, while the ledger is written anew.
  var restEnd: ContinuousClock.Instant?
  var stop: (signal: Signal, limit: ContinuousClock.Instant)?
  private var isFinished = false

  package init(_ settings: Settings) {
    self.settings = settings
    position = .init(epoch: settings.epoch, number: 0)
    complaints = Complaints(settings.source)
  }

  // MARK: Questions

  /// The latest time for the next event.
  var deadline: ContinuousClock.Instant? {
    let next: ContinuousClock.Instant? =
      switch stage {
      case .reading: patienceEnd
      case .resting(let time): isSourceBusy ? nil : time
      case .polling(let poll, _): poll.deadline
      case .parted, .rewriting, .releasing, .listing, .recovering: nil
      }
    return [next, stop?.limit].compactMap(\.self).min()
  }

  /// Whether something waits until more can be sent.
  var wantsRoom: Bool {
    switch stage {
    case .rewriting(let parts, _): !parts.isEmpty
    case .polling(_, let recording): recording == nil && !isSourceBusy
    case .parted, .reading, .releasing, .resting, .listing, .recovering: false
    }
  }

  // MARK: Events

  mutating func handle(_ event: Event, now: ContinuousClock.Instant) -> [Action] {
    guard !isFinished else { return [] }
    var actions = respond(to: event, now: now)
    if let stop, now >= stop.limit { actions.append(.finish(.stopped(stop.signal))) }
    if actions.contains(where: { if case .finish = $0 { true } else { false } }) { isFinished = true }
    return actions
  }

  private mutating func respond(to event: Event, now: ContinuousClock.Instant) -> [Action] {
    switch event {
    case .joined: beginReading(now: now)
    case .parted: parted()
    case .delivered(let message, let tag): delivered(message, tag, now: now)
    case .released: released(now: now)
    case .settled(let sent, let isConfirmed): settled(sent, isConfirmed: isConfirmed, now: now)
    case .tooLarge(let name, let reason): tooLarge(name, reason)
    case .oneTooLarge(let reason): oneTooLarge(reason)
    case .changed(let name, let reason): changed(name, reason)
    case .room: send(now: now)
    case .listed(let list): listed(list, now: now)
    case .fetched(let name, let item): fetched(name, item)
    case .signal(let signal): received(signal, now: now)
    case .due: due(now: now)
    }
  }

  private mutating func due(now: ContinuousClock.Instant) -> [Action] {
    switch stage {
    case .resting(let time) where now >= time && !isSourceBusy:
      (stage, isSourceBusy, firstLook) = (.listing(since: now), true, firstLook ?? now)
      return [.list]
    case .reading:
      guard let end = patienceEnd, now >= end else { return [] }
      patienceEnd = nil
      return [.log(LogEntry(.notice, "another consumer has the ledger, queue '\(settings.ledger)': waiting"))]
    case .polling: return send(now: now)
    case .parted, .resting, .rewriting, .releasing, .listing, .recovering: return []
    }
  }

  // MARK: The connection

  private mutating func parted() -> [Action] {
    defer { stage = .parted }
    if let ledger { position = ledger.last }
    switch stage {
    case .recovering(let record): unrecorded += record.added
    case .polling(let poll, _):
      unrecorded += poll.unrecorded
      guard poll.openCount > 0 else { return [] }
      let items = poll.openCount.counted("unconfirmed item", "is", "are")
      return [.log(LogEntry(.warning, "\(items) published again, and may be there twice with the same message id"))]
    case .parted, .reading, .rewriting, .releasing, .resting, .listing: break
    }
    return []
  }

  private mutating func tooLarge(_ name: ByteString, _ reason: String) -> [Action] {
    withdraw(name)
    refused.names.insert(name)
    refused.isSought = false
    let line: LogMessage = "item '\(name)' of the source \(settings.source) is left out: \(reason)"
    refused.line = line
    return [.log(LogEntry(.warning, line))]
  }

  private mutating func oneTooLarge(_ reason: String) -> [Action] {
    refused.isSought = true
    let line: LogMessage = "an item of the source \(settings.source) is refused: \(reason); trying each alone"
    return [.log(LogEntry(.warning, line))]
  }

  private mutating func changed(_ name: ByteString, _ reason: String) -> [Action] {
    withdraw(name)
    return [.log(LogEntry(.warning, "item '\(name)' of the source \(settings.source) \(reason); trying again"))]
  }

  /// The item is in no queue.
  private mutating func withdraw(_ name: ByteString) {
    guard case .polling(var poll, let recording) = stage else { return }
    poll.withdraw()
    stage = .polling(poll, recording: recording)
  }

  // MARK: Signals

  private mutating func received(_ signal: Signal, now: ContinuousClock.Instant) -> [Action] {
    guard stop == nil else { return [.finish(.stopped(signal))] }
    stop = (signal, now + Self.stopLimit)
    switch stage {
    case .polling(var poll, let recording):
      poll.stop()
      stage = .polling(poll, recording: recording)
      return send(now: now)
    case .recovering: return []
    case .parted, .reading, .rewriting, .releasing, .resting, .listing: return [.finish(.stopped(signal))]
    }
  }
}

/// How a publisher of a source has come to its end.
package enum SourceEnd {
  /// One poll is complete.
  case done
  case stopped(Signal)
  case failed(ExitStatus, LogMessage)
}
