internal import AMQP

/// A place for one item at a time, with a channel and a consumer of its own: so an item's trouble with the
/// broker is its own, and never more items are ours than can run now.
struct Slot: Hashable, Sendable {
  enum State: Hashable, Sendable {
    /// No channel.
    case shut
    /// Neither a consumer nor an item.
    case resting
    /// A consumer, and no item.
    case waiting
    /// The consumer is being cancelled, with no item in hand.
    case withdrawing
    case working(Job)
    /// The connection was lost, and the worker may end.
    case orphaned(Job)
    /// An item has come back whose worker still runs, in that slot: how it ends is waited for.
    case holding(WorkItem, for: Int)
    /// The worker is to end, since its item is no longer ours.
    case abandoning
    case moving(MovingItem)
    /// All that was decided is with the broker, or on its way there.
    case closing(LastWord?)
    /// Of no more use.
    case closed
  }

  let channel: UInt16
  var state = State.shut
  /// Our consumer as the broker has it, once all that was sent has been answered.
  private(set) var isConsumerAttached = false
  /// The broker has said that it has it.
  private(set) var isConsumerConfirmed = false
  /// An ack went out after which the broker has not said anything that shows that it took it.
  var isAckUnconfirmed = false {
    didSet { if isAckUnconfirmed { staleAnswers = unansweredPrefetches } }
  }
  /// A copy of its item was published, and nothing shows that the item has left its queue.
  var isCopyUnsettled = false
  /// The methods that are sent with the login open its channel.
  var opensWithLogin = false
  private var hasPrefetch = false
  private var unansweredPrefetches = 0
  /// How many of the answers are to what was sent before the last ack.
  private var staleAnswers = 0
  private var consumerNumber = 0

  init(channel: UInt16) { self.channel = channel }

  /// Each consumer has a tag of its own, so that the answers to several cannot be mixed up.
  var consumerTag: ByteString { ByteString("amqp-job-\(consumerNumber)") }

  /// Opens the channel where need be, and consumes.
  mutating func attach(to queue: String, priority: Int32) -> [Method] {
    var methods: [Method] = state == .shut ? [.channelOpen] : []
    if !hasPrefetch { methods.append(setPrefetch()) }
    consumerNumber += 1
    isConsumerAttached = true
    isConsumerConfirmed = false
    if !isBusy { state = .waiting }
    return methods + [
      .basicConsume(queue: ByteString(queue), consumerTag: consumerTag, arguments: Self.arguments(priority: priority))
    ]
  }

  /// The argument of a consumer. A priority of 0 says the same as nothing to the queues that we serve; any makes a stream
  /// refuse the consumer.
  static func arguments(priority: Int32) -> FieldTable { ["x-priority": .int32(priority)] }

  /// Sent again wherever an answer of the broker's is wanted.
  mutating func setPrefetch() -> Method {
    hasPrefetch = true
    unansweredPrefetches += 1
    return .basicQoS(prefetchCount: 1)
  }

  /// The broker has answered something that was sent after the last ack.
  mutating func ackTaken() {
    isAckUnconfirmed = false
    isCopyUnsettled = false
  }

  var hasUnansweredPrefetch: Bool { unansweredPrefetches > 0 }

  /// An answer is on its way that shows that the last ack has been taken.
  var isAskedAfterAck: Bool { unansweredPrefetches > staleAnswers }

  /// Takes an answer to that; true where it shows that the last ack has been taken.
  mutating func prefetchAnswered() -> Bool {
    guard unansweredPrefetches > 0 else { return false }
    unansweredPrefetches -= 1
    guard staleAnswers > 0 else { return isAckUnconfirmed }
    staleAnswers -= 1
    return false
  }

  mutating func detach() -> [Method] {
    guard isConsumerAttached else { return [] }
    isConsumerAttached = false
    return [.basicCancel(consumerTag: consumerTag)]
  }

  mutating func consumerConfirmed() { isConsumerConfirmed = true }

  /// The broker has ended the consumer.
  mutating func consumerEnded() { isConsumerAttached = false }

  /// The channel is gone, and with it whatever we held.
  mutating func channelEnded() {
    isConsumerAttached = false
    hasPrefetch = false
    unansweredPrefetches = 0
    staleAnswers = 0
    isAckUnconfirmed = false
    isCopyUnsettled = false
  }

  /// A worker runs, for whatever it still counts.
  var hasWorker: Bool {
    switch state {
    case .working, .orphaned, .abandoning: true
    default: false
    }
  }

  var isMoving: Bool {
    if case .moving = state { true } else { false }
  }

  private var isHolding: Bool {
    if case .holding = state { true } else { false }
  }

  /// The broker is yet to be told what became of an item, or to take it.
  var isSettling: Bool {
    switch state {
    case .moving, .closing: true
    default: isAckUnconfirmed
    }
  }

  /// An item is in hand, or was.
  var isBusy: Bool { hasWorker || isMoving || isHolding }

  /// One of the items that are still to be taken may come here.
  var mayTakeItem: Bool {
    switch state {
    case .waiting: true
    case .moving(let moving): moving.isUnrun && !moving.isUnwanted
    default: false
    }
  }

  /// Nothing is left here that somebody has to wait for.
  var isOver: Bool {
    switch state {
    case .shut, .closed: true
    case .resting: !isAckUnconfirmed
    default: false
    }
  }

  /// It has had its last item.
  var isEnding: Bool {
    switch state {
    case .closing, .closed: true
    default: false
    }
  }

  var job: Job? {
    switch state {
    case .working(let job), .orphaned(let job): job
    default: nil
    }
  }
}

/// A slot's last word to the broker, and what it means once the broker has taken it.
struct LastWord: Hashable, Sendable {
  let ended: EndedJob
  let disposal: Disposal
}

extension Slot {
  /// Methods for the slot's channel.
  func on(_ methods: [Method]) -> [ChannelMethod] { methods.map { ChannelMethod($0, on: channel) } }

  /// The channel's clean end: its answer shows that the broker took everything before.
  static let close = Method.channelClose(CloseReason(code: .success, text: "done"))
}
