extension Slot {
  /// What a slot is doing. `Slot.md` draws the states and the events that lead from one to the next.
  enum State: Hashable, Sendable {
    /// No channel is open.
    case noChannel
    /// The channel is open, and has neither a consumer nor an item.
    case idle
    /// A consumer is attached, and waits for an item.
    case consuming
    /// The consumer is being cancelled, and no item is in hand.
    case cancelling
    /// An item has come, and waits for the worker of its batch.
    case collected(WorkItem, at: ContinuousClock.Instant)
    /// A worker runs on the item.
    case working(Job)
    /// A worker runs on an item that was lost with its connection, and may finish.
    case orphaned(Job)
    /// The item has come back while its worker still runs in the slot `for`. The item is settled when that worker ends.
    case holding(WorkItem, for: Int)
    /// The worker has been told to end, because its item is no longer ours. The settlement is how the item is recorded then.
    case abandoning(Job, as: Settlement)
    /// A copy of the item is being published; the item is acked when the broker has confirmed the copy.
    case copying(MovingItem)
    /// The last ack was sent together with the close of the channel. The answer to the close shows that the ack was taken.
    case confirming(LastItem)
    /// The close of the channel was sent, and no ack depends on its answer.
    case closing
    /// The slot takes no more items.
    case closed
  }

  /// What can happen to a slot.
  enum Event: Hashable, Sendable {
    /// The channel was opened with the login.
    case opened
    /// A consumer is attached, or the one that there is waits for the next item.
    case consume
    /// The consumer is to be cancelled.
    case cancel
    /// The broker has confirmed that the consumer is cancelled.
    case cancelled
    /// An item has come for a batch.
    case collect(WorkItem, at: ContinuousClock.Instant)
    /// A worker starts.
    case start(Job)
    /// The item of the worker in the slot `for` has come back.
    case hold(WorkItem, for: Int)
    /// A copy of the item is to be published.
    case copy(MovingItem)
    /// The item is settled.
    case settle
    /// The channel is to be closed. `LastItem` is present if an ack depends on the answer.
    case close(LastItem?)
    /// The connection was lost, and the worker may finish.
    case orphan(Job)
    /// The item is no longer ours, and the worker is to end.
    case abandon(as: Settlement)
    /// A worker has ended whose item is not settled in this slot.
    case workerEnded(isStopping: Bool)
    /// The broker has ended the consumer.
    case consumerLost(isStopping: Bool)
    /// The broker has closed the channel.
    case channelLost(isStopping: Bool)
    case connectionLost
    /// The broker has answered the close of the channel.
    case closeAnswered
    /// The broker has not answered in time.
    case settlementLimit
    /// The broker may not have taken the slot's last ack.
    case ackLost
    /// No more items are wanted.
    case stop
  }

  /// A state without what it holds.
  enum StateName: String, Hashable, Sendable, CaseIterable {
    case noChannel, idle, consuming, cancelling, collected, working, orphaned, holding, abandoning, copying, confirming,
      closing, closed
  }
}

extension Slot.State {
  /// The table of states and events: the state after `event`, or nil if the event changes nothing.
  func after(_ event: Slot.Event) -> Self? {
    switch event {
    case .opened where isOne(of: .noChannel): .idle
    case .consume where isOne(of: .noChannel, .idle, .consuming, .cancelling): .consuming
    case .cancel where isOne(of: .consuming, .cancelling): .cancelling
    case .cancelled where isOne(of: .cancelling): .idle
    case .collect(let item, at: let time) where isOne(of: .consuming, .copying): .collected(item, at: time)
    case .start(let job) where isOne(of: .consuming, .collected, .copying): .working(job)
    case .hold(let item, for: let worker) where isOne(of: .consuming): .holding(item, for: worker)
    case .copy(let moving) where isOne(of: .idle, .consuming, .cancelling, .collected, .working, .orphaned, .holding):
      .copying(moving)
    case .settle where isOne(of: .consuming, .working, .holding, .copying): .idle
    case .close(let word?) where isOne(of: .idle): .confirming(word)
    case .close(nil) where isOne(of: .idle): .closing
    case .orphan(let job) where isOne(of: .working): .orphaned(job)
    case .abandon(as: let settlement): job.map { .abandoning($0, as: settlement) }
    case .workerEnded where isOne(of: .abandoning): .closed
    case .workerEnded(let isStopping) where isOne(of: .orphaned): isStopping ? .closed : .noChannel
    case .consumerLost where isOne(of: .consuming, .cancelling, .collected, .holding): .idle
    case .consumerLost(let isStopping) where isOne(of: .copying): isStopping ? .closed : .idle
    case .consumerLost where isOne(of: .confirming): .closed
    case .channelLost(let isStopping) where isOne(of: .idle, .consuming, .cancelling, .collected, .holding, .copying):
      isStopping ? .closed : .noChannel
    case .channelLost where isOne(of: .confirming, .closing): .closed
    case .connectionLost where !isOne(of: .working, .orphaned, .abandoning, .copying): .noChannel
    case .closeAnswered where isOne(of: .confirming, .closing): .closed
    case .settlementLimit where isOne(of: .cancelling, .confirming, .closing): .closed
    case .ackLost where isOne(of: .idle, .consuming, .cancelling): .closed
    case .stop where isOne(of: .noChannel): .closed
    default: nil
    }
  }

  func isOne(of names: Slot.StateName...) -> Bool { names.contains(name) }

  var name: Slot.StateName {
    switch self {
    case .noChannel: .noChannel
    case .idle: .idle
    case .consuming: .consuming
    case .cancelling: .cancelling
    case .collected: .collected
    case .working: .working
    case .orphaned: .orphaned
    case .holding: .holding
    case .abandoning: .abandoning
    case .copying: .copying
    case .confirming: .confirming
    case .closing: .closing
    case .closed: .closed
    }
  }

  /// The job of the worker that runs, while its outcome still counts.
  var job: Job? {
    switch self {
    case .working(let job), .orphaned(let job): job
    default: nil
    }
  }
}
