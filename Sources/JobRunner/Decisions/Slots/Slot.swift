internal import AMQP
internal import Linux
internal import Telemetry

/// One item at a time, with a consumer of its own, and a channel as if it were its own. What the broker does to one worker's item
/// leaves the others alone, and the runner never holds more items than it can run.
struct Slot: Hashable, Sendable {
  let channel: UInt16
  private(set) var state = State.noChannel
  /// A consumer is attached, once the broker has answered everything that was sent.
  private(set) var isConsumerAttached = false
  /// The broker has confirmed the consumer.
  private(set) var isConsumerConfirmed = false
  /// An ack was sent, and nothing that the broker has said since shows that it took it.
  private(set) var isAckUnconfirmed = false
  /// A copy of the item was published, and nothing shows that the item has left its queue.
  private(set) var isCopyUnsettled = false
  /// The methods that are sent with the login open the channel.
  private(set) var opensWithLogin = false
  private var hasPrefetch = false
  private var unansweredPrefetches = 0
  /// How many of these answers belong to what was sent before the last ack.
  private var staleAnswers = 0
  private var consumerNumber = 0

  init(channel: UInt16) { self.channel = channel }

  /// Takes the transition that the table has for `event`. An event that the table does not have changes nothing.
  mutating func handle(_ event: Event) {
    if let next = state.after(event) { state = next }
  }

  // MARK: The worker and the copy

  /// The worker was told to end by `signal`. The first such signal is the one that counts.
  mutating func interrupt(by signal: Signal) { updateJob { $0.interruption = $0.interruption ?? signal } }

  /// The attempt has a span.
  mutating func spanBegun(_ span: SpanContext) { updateJob { $0.item.span = span } }

  mutating func timeOut() { updateJob { $0.hasTimedOut = true } }

  /// What the worker writes is lost. The first reason is the one that counts.
  mutating func loseOutput(_ reason: String) { updateJob { $0.outputLoss = $0.outputLoss ?? reason } }

  /// The worker has ended. The first such time is the one that counts.
  mutating func workerEnded(at now: ContinuousClock.Instant) { updateJob { $0.endedAt = $0.endedAt ?? now } }

  mutating func resultPublished(_ size: UInt64) { updateJob { $0.resultSize = size } }

  private mutating func updateJob(_ update: (inout Job) -> Void) {
    switch state {
    case .abandoning(var job, let settlement):
      update(&job)
      state = .abandoning(job, as: settlement)
    case .working(var job):
      update(&job)
      state = .working(job)
    case .orphaned(var job):
      update(&job)
      state = .orphaned(job)
    default: break
    }
  }

  /// The item whose copy may be published now, because the channel has answered everything that was asked before. nil for
  /// any other slot.
  mutating func takeAnsweredCopy() -> MovingItem? {
    guard case .copying(var moving) = state, moving.isAsking, unansweredPrefetches == 0 else { return nil }
    moving.isAsking = false
    state = .copying(moving)
    return moving
  }

  mutating func copyPublished() { isCopyUnsettled = true }

  /// The copy is not there, or nobody can tell any more.
  mutating func copyLost() { isCopyUnsettled = false }

  // MARK: The consumer

  /// Each consumer has a tag of its own, so that the answers to two of them cannot be confused.
  var consumerTag: ByteString { ByteString("amqp-job-\(consumerNumber)") }

  /// Opens the channel if it is not open, and attaches a consumer.
  mutating func attach(to queue: String, priority: Int32) -> [Method] {
    var methods: [Method] = state == .noChannel ? [.channelOpen] : []
    if !hasPrefetch { methods.append(setPrefetch()) }
    consumerNumber += 1
    isConsumerAttached = true
    isConsumerConfirmed = false
    handle(.consume)
    return methods + [
      .basicConsume(queue: ByteString(queue), consumerTag: consumerTag, arguments: Self.arguments(priority: priority))
    ]
  }

  /// A consumer's arguments. They are always sent, because streams refuse a consumer that has a priority. To the queues that
  /// the runner serves, a priority of 0 is the same as none.
  static func arguments(priority: Int32) -> FieldTable { ["x-priority": .int32(priority)] }

  mutating func detach() -> [Method] {
    guard isConsumerAttached else { return [] }
    isConsumerAttached = false
    return [.basicCancel(consumerTag: consumerTag)]
  }

  mutating func consumerConfirmed() { isConsumerConfirmed = true }

  /// The broker has ended the consumer.
  mutating func consumerEnded() { isConsumerAttached = false }

  // MARK: The channel

  /// The channel of a slot without one is opened with the next login.
  mutating func prepareLogin() { opensWithLogin = state == .noChannel }

  /// The login has succeeded.
  mutating func loggedIn() {
    // A worker's end may have left the slot without a channel since.
    if opensWithLogin { handle(.opened) }
  }

  /// The channel is gone, and with it everything that was held on it.
  mutating func channelEnded() {
    isConsumerAttached = false
    hasPrefetch = false
    unansweredPrefetches = 0
    staleAnswers = 0
    isAckUnconfirmed = false
    isCopyUnsettled = false
  }

  /// Sets the prefetch count of 1. It is sent again whenever an answer of the broker is needed.
  mutating func setPrefetch() -> Method {
    hasPrefetch = true
    unansweredPrefetches += 1
    return .basicQoS(prefetchCount: 1)
  }

  /// An item was settled. That the broker took an ack is confirmed by a later answer on this channel.
  mutating func settlementSent(isAck: Bool) {
    isAckUnconfirmed = isAck
    if isAck { staleAnswers = unansweredPrefetches }
  }

  /// The broker has answered something that was sent after the last ack.
  mutating func ackTaken() {
    isAckUnconfirmed = false
    isCopyUnsettled = false
  }

  /// An answer is on its way that shows that the last ack was taken.
  var isAskedAfterAck: Bool { unansweredPrefetches > staleAnswers }

  /// Takes an answer to `setPrefetch`; true if it shows that the last ack was taken.
  mutating func prefetchAnswered() -> Bool {
    guard unansweredPrefetches > 0 else { return false }
    unansweredPrefetches -= 1
    guard staleAnswers > 0 else { return isAckUnconfirmed }
    staleAnswers -= 1
    return false
  }
}

/// The last item of a slot, which counts as done once the broker has taken the ack.
struct LastItem: Hashable, Sendable {
  let ended: EndedJob
  let settlement: Settlement
}
