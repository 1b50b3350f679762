public import AMQP
public import Broker

/// What `amqp-job run` was asked to do.
public struct JobOptions: Hashable, Sendable {
  /// How much is to be done.
  public enum Extent: Hashable, Sendable {
    /// So many items.
    case count(Int)
    /// Whatever there is, until the queue is drained.
    case drain
    case forever
  }

  public enum WhenEmpty: String, Hashable, Sendable, CaseIterable {
    /// Wait for an item, for ever.
    case wait
    /// End, once the queue is seen to be drained.
    case exit
  }

  /// What TERM, INT and HUP mean to the workers.
  public enum OnTerm: String, Hashable, Sendable, CaseIterable {
    /// They get the signal too.
    case stop
    /// They may end in their own time.
    case finish
  }

  /// What the loss of the connection means to the workers.
  public enum OnDisconnect: String, Hashable, Sendable, CaseIterable {
    /// They are stopped: their items are with others now.
    case stop
    /// They may end, in the hope that their items come back to us.
    case finish
  }

  /// Where the queue comes from, and so what it may be.
  public enum QueueOrigin: Hashable, Sendable {
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
  public var brokers: [BrokerURL]
  /// The login is read from files, which somebody may replace.
  public var credentialsMayChange: Bool
  /// Empty where the broker is to name a queue of the runner's own.
  public var queue: String
  public var queueOrigin: QueueOrigin
  public var extent: Extent
  /// How many workers may run side by side.
  public var parallelism: Int
  /// Of the consumers: a broker hands an item to one of a lower priority only where those of a higher one take no more.
  public var consumerPriority: Int32
  /// Of an extent that is a count.
  public var whenEmpty: WhenEmpty
  /// How long a queue may be missing, or empty without having been seen otherwise, before that counts.
  public var waitFirst: Duration
  /// How long the queue may take to be drained; nil for as long as it takes.
  public var drainTimeout: Duration?
  /// How long a worker may take over one item; nil for as long as it likes.
  public var timeout: Duration?
  /// How long a worker that was told to end may take over it.
  public var grace: Duration
  /// nil for what suits the extent.
  public var onTerm: OnTerm?
  public var onDisconnect: OnDisconnect
  /// How long an item that was done while the broker was away may take to come back.
  public var finishWindow: Duration
  /// How long the broker may be out of reach.
  public var connectTimeout: Duration
  /// Also at first. Otherwise a broker that is not there at the start is an error at once.
  public var waitsForBroker: Bool
  /// Report worker statuses as they are, even those that the runner uses itself.
  public var rawStatus: Bool
  public var attempts: AttemptOptions
  /// What the user says that the queue is. Then the broker is not asked.
  public var assumed: QueueStanding?
  /// A worker gets an item whose properties cannot be read, too, and the body is all that it gets.
  public var runsMalformed: Bool
  /// Whether those of `amqp-job run` are there, to be named in messages.
  public var namesOptions: Bool
  /// Somebody looks on, who wants to know soon what is being waited for.
  public var isWatched: Bool
  /// What is of less weight is not logged, nor put into words.
  public var leastLogged: LogEntry.Level

  public init(brokers: [BrokerURL], queue: String) {
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
    namesOptions = true
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
  public var endsWhenDrained: Bool {
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
public struct AttemptOptions: Hashable, Sendable {
  /// What becomes of a failed item of a queue without retries.
  public enum OnFailure: String, Hashable, Sendable, CaseIterable {
    /// It is given back.
    case requeue
    /// It is rejected, and the broker dead-letters it, or drops it where the queue has no dead-letter exchange.
    case reject
  }

  public var most = 3
  /// How long an item that failed stays away.
  public var retryDelay: Duration = .seconds(10)
  /// Worker statuses that no other attempt will mend.
  public var rejectedStatuses: Set<Int32> = []
  /// Somebody asked for it: then a queue with nowhere for dead letters to go is no queue for the runner.
  public var areRequired = false
  /// Somebody asked for a delay, which takes a retry queue.
  public var needRetryQueue = false
  /// Somebody asked for it: then a queue with retries is no queue for the runner.
  public var onFailure: OnFailure?
  /// Dead letters are to hold the end of their worker's standard error: then a queue whose items never become any is no queue for
  /// the runner.
  public var keepsStandardError = false

  public init() {}
}
