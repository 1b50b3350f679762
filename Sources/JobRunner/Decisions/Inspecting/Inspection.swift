internal import AMQP
internal import Broker

/// What is known of the queue and of the queues beside it, and what is being asked about them.
struct Inspection: Hashable, Sendable {
  private(set) var queue: WorkQueue
  /// The queue can be served.
  private(set) var isComplete: Bool
  /// The same was true at some time.
  private(set) var wasComplete = false
  /// What is known of the queues beside a plain one.
  private(set) var neighbours = QueueInspection.Neighbours.unknown
  /// What is being asked about the queue itself.
  private(set) var inquiry: QueueInspection?
  /// What is being asked about the queues beside it.
  private(set) var neighbourSearch: NeighbourSearch?
  /// What is being asked about where its dead letters go.
  private(set) var targetSearch: DeadLetterTargetSearch?
  /// What is being asked about another queue to which this one may belong.
  private(set) var ownerSearch: NeighbourSearch?
  /// What is known of its retry queues.
  var retryLevels: RetryLevels
  /// Whether the queue deletes itself, and what goes with it.
  var selfDeletion = SelfDeletion()
  /// The runner is finding out whether copies can be published.
  private(set) var isAwaitingPermission = false
  /// The channels of these questions that are open.
  private var openChannels: Set<UInt16> = []
  /// How many bindings of the runner's own queue the broker has yet to confirm.
  private var unconfirmedBindings = 0

  init(_ queue: WorkQueue, isComplete: Bool = false, retryLevels: Int) {
    (self.queue, self.isComplete) = (queue, isComplete)
    self.retryLevels = RetryLevels(of: queue, needed: retryLevels)
  }

  // MARK: Questions

  mutating func ask(_ inquiry: QueueInspection) -> [ChannelMethod] {
    self.inquiry = inquiry
    return opening(inquiry.questions)
  }

  mutating func ask(_ search: NeighbourSearch) -> [ChannelMethod] {
    neighbourSearch = search
    return opening(search.questions)
  }

  mutating func ask(_ search: DeadLetterTargetSearch) -> [ChannelMethod] {
    targetSearch = search
    return opening(search.questions)
  }

  mutating func askForOwner(_ search: NeighbourSearch) -> [ChannelMethod] {
    ownerSearch = search
    return opening(search.questions)
  }

  /// Opens the channels that are not open yet.
  mutating func opening(_ methods: [ChannelMethod]) -> [ChannelMethod] {
    methods.filter { $0.method != .channelOpen || openChannels.insert($0.channel).inserted }
  }

  mutating func awaitPermission(_ isNeeded: Bool) { isAwaitingPermission = isNeeded }

  // MARK: Answers

  /// The inquiry stays while it has more to ask.
  mutating func takeInquiry(_ answer: Method, on channel: UInt16) -> QueueInspection.Verdict? {
    inquiry?.take(answer, on: channel)
  }

  mutating func endInquiry() { inquiry = nil }

  mutating func takeNeighbours(_ answer: Method, on channel: UInt16) -> NeighbourSearch.Finding? {
    guard let finding = neighbourSearch?.take(answer, on: channel) else { return nil }
    neighbourSearch = nil
    return finding
  }

  mutating func takeTarget(_ answer: Method, on channel: UInt16) -> DeadLetterTargetSearch.Finding? {
    guard let finding = targetSearch?.take(answer, on: channel) else { return nil }
    targetSearch = nil
    return finding
  }

  mutating func takeOwner(_ answer: Method, on channel: UInt16) -> NeighbourSearch.Finding? {
    guard let finding = ownerSearch?.take(answer, on: channel) else { return nil }
    ownerSearch = nil
    return finding
  }

  mutating func found(_ neighbours: QueueInspection.Neighbours) { self.neighbours = neighbours }

  mutating func complete() { (isComplete, wasComplete) = (true, true) }

  // MARK: A queue of the runner's own

  /// The broker has chosen the name.
  mutating func named(_ queue: WorkQueue) { self.queue = queue }

  mutating func bindingsSent(_ count: Int) { unconfirmedBindings = count }

  /// True if this was the last one.
  mutating func bindingConfirmed() -> Bool {
    unconfirmedBindings -= 1
    return unconfirmedBindings == 0
  }

  // MARK: Beginning again

  mutating func dropSearches() { (neighbourSearch, targetSearch, ownerSearch) = (nil, nil, nil) }

  /// The queue may have been declared otherwise since.
  mutating func forget() {
    (isComplete, neighbours) = (false, .unknown)
    retryLevels.forget()
  }

  mutating func channelClosed(_ channel: UInt16) { openChannels.remove(channel) }

  mutating func dialled() { openChannels = [] }

  /// The questions are lost with the connection. After the next login, `mayChange` says, the queue may be another one.
  mutating func connectionLost(mayChange: Bool) {
    inquiry = nil
    isAwaitingPermission = false
    retryLevels.forget()
    selfDeletion.connectionLost()
    dropSearches()
    if mayChange { isComplete = false }
  }
}
