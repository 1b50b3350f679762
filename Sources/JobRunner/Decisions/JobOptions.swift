public import AMQP

/// What `amqp-job run` was asked to do.
public struct JobOptions: Hashable, Sendable {
  public enum WhenEmpty: String, Hashable, Sendable, CaseIterable {
    /// Wait for an item, for ever.
    case wait
    /// End, once the queue is seen to be drained.
    case exit
  }

  /// Tried in turn; at least one.
  public var brokers: [BrokerURL]
  public var queue: String
  /// How many items to take.
  public var count: Int
  public var whenEmpty: WhenEmpty
  /// How long a queue may be missing, or empty without having been seen otherwise, before that counts.
  public var waitFirst: Duration
  /// How long a worker may take over one item; nil for as long as it likes.
  public var timeout: Duration?
  /// How long a worker that was told to end may take over it.
  public var grace: Duration
  /// How long the broker may be out of reach.
  public var connectTimeout: Duration
  /// Report worker statuses as they are, even those that the runner uses itself.
  public var rawStatus: Bool

  public init(brokers: [BrokerURL], queue: String) {
    self.brokers = brokers
    self.queue = queue
    count = 1
    whenEmpty = .wait
    waitFirst = .zero
    timeout = nil
    grace = .seconds(20)
    connectTimeout = .seconds(60)
    rawStatus = false
  }
}
