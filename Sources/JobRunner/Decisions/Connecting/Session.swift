internal import AMQP
internal import Broker

/// The connection to a broker: which one, how often it was tried, and how it failed.
struct Session: Hashable, Sendable {
  /// Tried in turn.
  var brokers: [BrokerURL]
  /// How many attempts at a connection there have been.
  private(set) var attemptCount = 0
  /// How many logins have succeeded.
  private(set) var loginCount = 0
  /// A broker has said something about the queue.
  private(set) var hasServed = false
  /// The server's version; nil for a server that is not RabbitMQ.
  private(set) var server: ServerVersion?
  /// Why there is no connection, or why the broker is of no use.
  private(set) var failure: BrokerFailure?
  var outage = Outage()

  init(brokers: [BrokerURL]) { self.brokers = brokers }

  /// The broker that the runner is connected to, or is trying to reach.
  var broker: BrokerURL { brokers[max(0, attemptCount - 1) % brokers.count] }

  var hasLoggedIn: Bool { loginCount > 0 }

  var allBrokersTried: Bool { attemptCount >= brokers.count }

  /// The broker rejected the credentials or the vhost.
  var isRefused: Bool { failure?.kind == .loginRefused }

  // MARK: Events

  mutating func dialled() { attemptCount += 1 }

  mutating func loggedIn(to server: ServerVersion?) {
    failure = nil
    loginCount += 1
    self.server = server
  }

  mutating func failed(_ failure: BrokerFailure) { self.failure = failure }

  /// The broker is of use again.
  mutating func recovered() { failure = nil }

  /// The broker has said something about the queue.
  mutating func served(now: ContinuousClock.Instant) {
    hasServed = true
    outage.served(now: now)
  }
}
