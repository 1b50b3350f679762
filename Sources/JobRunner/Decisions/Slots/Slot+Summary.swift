internal import AMQP

/// What the runner needs to know of a slot's state.
extension Slot {
  /// A worker runs, whether or not its outcome still counts.
  var hasWorker: Bool { state.isOne(of: .working, .orphaned, .abandoning) }

  /// The same, and the worker is not known to have ended.
  var isWorkerRunning: Bool {
    switch state {
    case .working(let job), .orphaned(let job), .abandoning(let job, as: _): job.endedAt == nil
    default: false
    }
  }

  /// The item that waits for its batch, and when it came.
  var collected: (item: WorkItem, arrival: ContinuousClock.Instant)? {
    if case .collected(let item, at: let arrival) = state { (item, arrival) } else { nil }
  }

  var isCopying: Bool { state.isOne(of: .copying) }

  /// The broker has yet to be told how an item was settled, or to take that.
  var isSettling: Bool { state.isOne(of: .copying, .confirming, .closing) || isAckUnconfirmed }

  /// An item is in hand, or its worker still runs.
  var isBusy: Bool { hasWorker || state.isOne(of: .collected, .holding, .copying) }

  /// One of the items that the runner may still take is here, or can come here.
  var mayTakeItem: Bool {
    if case .copying(let moving) = state { return moving.isUnrun && !moving.isUnwanted }
    return state.isOne(of: .consuming, .collected)
  }

  /// Nothing is left here that has to be waited for.
  var isOver: Bool { state.isOne(of: .noChannel, .closed) || state == .idle && !isAckUnconfirmed }

  /// The slot has had its last item.
  var isEnding: Bool { state.isOne(of: .confirming, .closing, .closed) }

  var job: Job? { state.job }

  /// Methods for the slot's channel.
  func on(_ methods: [Method]) -> [ChannelMethod] { methods.map { ChannelMethod($0, on: channel) } }

  /// Closes the channel. The broker's answer shows that it took everything that was sent before.
  static let close = Method.channelClose(CloseReason(code: .success, text: "done"))
}
