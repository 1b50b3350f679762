package import AMQP
package import Broker
package import Console

/// What `amqp-job run` was asked to do.
package struct JobOptions: Hashable, Sendable {
  /// How much is to be done.
  package enum Extent: Hashable, Sendable {
    /// So many items.
    case count(Int)
    /// Whatever there is, until the queue is drained.
    case drain
    case forever
  }

  package enum WhenEmpty: String, Hashable, Sendable, CaseIterable {
    /// Wait for an item, for ever.
    case wait
    /// End, once the queue is seen to be drained.
    case exit
  }

  /// What TERM, INT and HUP mean to the workers.
  package enum OnTerm: String, Hashable, Sendable, CaseIterable {
    /// They get the signal too.
    case stop
    /// They may end in their own time.
    case finish
  }

  /// What the loss of the connection means to the workers.
  package enum OnDisconnect: String, Hashable, Sendable, CaseIterable {
    /// They are stopped: their items are with others now.
    case stop
    /// They may end, in the hope that their items come back to us.
    case finish
  }

  /// Where the queue comes from, and so what it may be.
  package enum QueueOrigin: Hashable, Sendable {
    /// It is there, and outlives everybody: a durable one that does not delete itself.
    case lasting
    /// It is there, and may be any but a stream.
    case any
    /// The same, and what may lose its items is said at the start.
    case anyTold
    /// The runner declares it, and it goes with the runner.
    case own(OwnQueue)
  }

  /// Tried in turn; at least one.
  package var brokers: [BrokerURL]
  /// The login is read from files, which somebody may replace.
  package var credentialsMayChange: Bool
  /// Empty where the broker is to name a queue of the runner's own.
  package var queue: String
  package var queueOrigin: QueueOrigin
  package var extent: Extent
  /// How many workers may run side by side.
  package var parallelism: Int
  /// Of the consumers: a broker hands an item to one of a lower priority only where those of a higher one take no more.
  package var consumerPriority: Int32
  /// Of an extent that is a count.
  package var whenEmpty: WhenEmpty
  /// How long a queue may be missing, or empty without having been seen otherwise, before that counts.
  package var waitFirst: Duration
  /// How long the queue may take to be drained; nil for as long as it takes.
  package var drainTimeout: Duration?
  /// How long a worker may take over one item; nil for as long as it likes.
  package var timeout: Duration?
  /// How long a worker that was told to end may take over it.
  package var grace: Duration
  /// nil for what suits the extent.
  package var onTerm: OnTerm?
  package var onDisconnect: OnDisconnect
  /// How long an item that was done while the broker was away may take to come back.
  package var finishWindow: Duration
  /// How long the broker may be out of reach.
  package var connectTimeout: Duration
  /// Also at first. Otherwise a broker that is not there at the start is an error at once.
  package var waitsForBroker: Bool
  /// Report worker statuses as they are, even those that the runner uses itself.
  package var rawStatus: Bool
  package var attempts: AttemptOptions
  /// What the user says that the queue is. Then the broker is not asked.
  package var assumed: QueueTopology?
  /// A worker gets an item whose properties cannot be read, too, and the body is all that it gets.
  package var runsMalformed: Bool
  /// Somebody looks on, who wants to know soon what is being waited for.
  package var isWatched: Bool
  /// What is of less weight is not logged, nor put into words.
  package var leastLogged: LogEntry.Level

  package init(brokers: [BrokerURL], queue: String) {
    self.brokers = brokers
    credentialsMayChange = false
    self.queue = queue
    queueOrigin = .lasting
    extent = .count(1)
    parallelism = 1
    consumerPriority = 0
    whenEmpty = .wait
    waitFirst = .zero
    drainTimeout = nil
    timeout = nil
    grace = .seconds(20)
    onTerm = nil
    onDisconnect = .stop
    finishWindow = .seconds(60)
    connectTimeout = .seconds(60)
    waitsForBroker = true
    rawStatus = false
    attempts = AttemptOptions()
    runsMalformed = false
    isWatched = false
    leastLogged = .info
  }

  /// The most items that may be taken.
  var mostItems: Int {
    if case .count(let count) = extent { count } else { .max }
  }

  /// More than one item is asked for.
  var isOfSeveral: Bool { mostItems > 1 }

  /// Rather than wait for more.
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
    case .any, .own: .taken
    case .anyTold: .takenKnowingly
    }
  }

  /// Such a queue goes with its last consumer, and with it what is in it.
  var mayDeleteItself: Bool { queueOrigin != .lasting }

  var workersMayFinish: Bool { (onTerm ?? (extent == .forever ? .finish : .stop)) == .finish }
}

/// How often an item is tried, on a queue with a retry and a dead-letter queue; and what becomes of one that failed, on others.
package struct AttemptOptions: Hashable, Sendable {
  /// What becomes of a failed item of a queue without retries.
  package enum OnFailure: String, Hashable, Sendable, CaseIterable {
    /// It is given back.
    case requeue
    /// It is rejected, and the broker dead-letters it, or drops it where the queue has no dead-letter exchange.
    case reject
  }

  package var most = 3
  /// How long an item that failed stays away.
  package var retryDelay: Duration = .seconds(10)
  /// Worker statuses that no other attempt will mend.
  package var rejectedStatuses: Set<Int32> = []
  /// Somebody asked for it: then a queue with nowhere for dead letters to go is no queue for the runner.
  package var areRequired = false
  /// Somebody asked for a delay, which takes a retry queue.
  package var needRetryQueue = false
  /// Somebody asked for it: then a queue with retries is no queue for the runner.
  package var onFailure: OnFailure?
  /// Dead letters are to hold the end of their worker's standard error: then a queue whose items never become any is no queue for
  /// the runner.
  package var keepsStandardError = false

  package init() {}
}
