package import AMQP
package import Broker

/// What the runner was asked to do.
package struct JobOptions: Hashable, Sendable {
  /// How much is to be done.
  package enum Extent: Hashable, Sendable {
    /// This number of items.
    case count(Int)
    /// All items, until the queue is drained.
    case drain
    case forever
  }

  package enum WhenEmpty: String, Hashable, Sendable, CaseIterable {
    /// Wait for an item without a limit.
    case wait
    /// End when the queue is drained.
    case exit
  }

  /// What TERM, INT and HUP mean for the workers.
  package enum OnTerm: String, Hashable, Sendable, CaseIterable {
    /// The workers get the signal, too.
    case stop
    /// The workers may finish their items.
    case finish
  }

  /// What the loss of the connection means for the workers.
  package enum OnDisconnect: String, Hashable, Sendable, CaseIterable {
    /// The workers are stopped, because the broker gives their items to others.
    case stop
    /// The workers may finish, in the hope that their items come back to this runner.
    case finish
  }

  /// Where the queue comes from, which decides what it may be.
  package enum QueueOrigin: Hashable, Sendable {
    /// A queue that exists, is durable and does not delete itself.
    case lasting
    /// A queue that exists, of any kind but a stream.
    case any
    /// The same. The runner warns at the start if the queue may lose its items.
    case anyTold
    /// A queue that the runner declares, and that is deleted when the runner ends.
    case own(OwnQueue)
  }

  /// The brokers, of which there is at least one. They are tried in turn.
  package var brokers: [BrokerURL]
  package var connection = Connection()
  /// Empty if the broker is to choose the name of the runner's own queue.
  package var queue: String
  package var queueOrigin = QueueOrigin.lasting
  /// What the user says that the queue is. The broker is not asked then.
  package var assumed: QueueTopology?
  package var extent = Extent.count(1)
  /// Applies only to `.count`.
  package var whenEmpty = WhenEmpty.wait
  /// How long a queue may be missing, or may be empty before the first item, until that counts.
  package var waitFirst: Duration = .zero
  /// How long it may take until the queue is drained; nil for no limit.
  package var drainTimeout: Duration?
  /// How many workers may run side by side.
  package var parallelism = 1
  /// The priority of the consumers. The broker hands an item to a consumer of a lower priority only if no consumer of a higher
  /// one takes it.
  package var consumerPriority: Int32 = 0
  package var worker = Worker()
  package var attempts = AttemptOptions()
  package var report = Report()
  /// nil if no results are published.
  package var results: ResultOptions?

  package init(brokers: [BrokerURL], queue: String) {
    self.brokers = brokers
    self.queue = queue
  }

  /// How many items the runner holds at most.
  package var slotCount: Int { max(1, min(parallelism * (worker.batch?.size ?? 1), maxItems)) }

  /// How many items may be taken at most.
  var maxItems: Int {
    if case .count(let count) = extent { count } else { .max }
  }

  /// More than one item was asked for.
  package var isOfSeveral: Bool { maxItems > 1 }

  /// The runner ends when the queue is drained, instead of waiting for more items.
  package var endsWhenDrained: Bool {
    switch extent {
    case .count: whenEmpty == .exit
    case .drain: true
    case .forever: false
    }
  }

  var ownQueue: OwnQueue? {
    if case .own(let queue) = queueOrigin { queue } else { nil }
  }

  var transients: QueueInspection.Transients {
    switch queueOrigin {
    case .lasting: .refused
    case .any, .anyTold, .own: .taken
    }
  }

  /// The queue may be deleted with its last consumer, together with the items in it.
  var mayDeleteItself: Bool { queueOrigin != .lasting }

  var workersMayFinish: Bool { (worker.onTerm ?? (extent == .forever ? .finish : .stop)) == .finish }
}
