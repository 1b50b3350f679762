internal import AMQP

/// One look at a source: what its list asks for is published, batch by batch, and recorded in the ledger.
struct Poll {
  enum Step {
    /// Nothing can be done before the next event.
    case wait
    case fetch(ByteString)
    case publish(ByteString, ItemBody)
    case record(added: [ByteString], removed: [ByteString])
    case end
  }

  struct Failure: Hashable, Sendable {
    var name: ByteString
    var reason: String
  }

  /// After this many items in a row that cannot be read, the source itself is taken for the cause, if there is another poll.
  static let maxFailuresInRow = 16

  let startedAt: ContinuousClock.Instant
  private let terms: (isLast: Bool, batchLimit: Int)
  private var removals: ArraySlice<[ByteString]>
  private var additions: ArraySlice<ByteString>
  private var batch: Batch
  /// The item that was fetched when there was no room for it.
  private var held: (name: ByteString, body: ItemBody)?
  private var fetching: ByteString?
  private var isRecording = false
  private var failuresInRow = 0
  private(set) var failures: [Failure] = []
  /// Why the rest of the source was not read.
  private(set) var sourceFailure: String?
  private(set) var growingCount = 0
  private(set) var addedCount = 0
  private(set) var removedCount = 0
  /// Whether the queue has rejected an item.
  private(set) var isRejected = false

  /// With `isLast`, all items are tried. With `isCareful`, each is a batch of its own.
  init(_ plan: PollPlan, startedAt: ContinuousClock.Instant, isLast: Bool = false, isCareful: Bool = false) {
    terms = (isLast, isCareful ? 1 : Batch.maxCount)
    batch = Batch(limit: terms.batchLimit)
    (removals, additions) = (plan.removed.recordSized[...], plan.added[...])
    self.startedAt = startedAt
  }

  /// The latest time for the next step.
  var deadline: ContinuousClock.Instant? { batch.deadline }
  /// The items that are in the queue but not in the ledger, as far as is known.
  var unrecorded: [ByteString] { batch.confirmed }
  /// How many items may be in the queue or not.
  var openCount: Int { batch.openCount }

  // MARK: Steps

  mutating func next(now: ContinuousClock.Instant) -> Step {
    guard !isRecording else { return .wait }
    if let deadline = batch.deadline, now >= deadline { batch.close() }
    if batch.isClosed { return recordBatch(now: now) }
    if batch.isEmpty, let names = removals.popFirst() {
      (isRecording, removedCount) = (true, removedCount + names.count)
      return .record(added: [], removed: names)
    }
    guard fetching == nil else { return .wait }
    if let (name, body) = held { return publish(name, body, now: now) }
    if let name = additions.popFirst() {
      fetching = name
      return .fetch(name)
    }
    guard !batch.isEmpty else { return .end }
    batch.close()
    return recordBatch(now: now)
  }

  private mutating func publish(_ name: ByteString, _ body: ItemBody, now: ContinuousClock.Instant) -> Step {
    guard batch.hasRoom(for: body.size) else {
      batch.close()
      return recordBatch(now: now)
    }
    held = nil
    batch.published(size: body.size, now: now)
    return .publish(name, body)
  }

  private mutating func recordBatch(now: ContinuousClock.Instant) -> Step {
    guard batch.openCount == 0 else { return .wait }
    let names = batch.confirmed
    guard !names.isEmpty else {
      batch = Batch(limit: terms.batchLimit)
      return next(now: now)
    }
    (isRecording, addedCount) = (true, addedCount + names.count)
    return .record(added: names, removed: [])
  }

  // MARK: Events

  mutating func fetched(_ name: ByteString, _ item: FetchedItem) {
    guard fetching == name else { return }
    fetching = nil
    switch item {
    case .body(let body):
      failuresInRow = 0
      held = (name, body)
    case .gone: failuresInRow = 0
    case .growing: growingCount += 1
    case .unreadable(let reason): failed(name, reason)
    case .failed(let reason):
      sourceFailure = reason
      additions = []
    }
  }

  private mutating func failed(_ name: ByteString, _ reason: String) {
    failures.append(Failure(name: name, reason: reason))
    failuresInRow += 1
    guard failuresInRow >= Self.maxFailuresInRow, !additions.isEmpty, !terms.isLast else { return }
    sourceFailure = "\(failuresInRow) items in a row cannot be read: \(reason)"
    additions = []
  }

  mutating func settled(_ name: ByteString, isConfirmed: Bool) {
    batch.settled(name, isConfirmed: isConfirmed)
    if !isConfirmed {
      isRejected = true
      stop()
    }
  }

  /// An item that was published is in no queue, and the connection is of no use any more.
  mutating func withdraw() { batch.withdraw() }

  mutating func recorded() {
    isRecording = false
    if batch.isClosed { batch = Batch(limit: terms.batchLimit) }
  }

  /// Nothing more is begun. What was published is recorded.
  mutating func stop() {
    (additions, removals, held, fetching) = ([], [], nil, nil)
    if !batch.isEmpty { batch.close() }
  }
}
