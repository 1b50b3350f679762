package import AMQP
package import Broker

/// The settings of a batch publisher.
package struct BatchConfiguration {
  /// The brokers, which are tried in turn.
  package var access: BrokerAccess
  /// The interval between heartbeats in seconds.
  package var heartbeat: UInt16
  /// The name of the connection in the broker's management tools.
  package var connectionName: String
  package var destination: Destination
  /// The properties of items that have none of their own.
  package var properties: BasicProperties
  /// The questions that the broker is asked before anything is published. If it refuses one, nothing is published; a
  /// user who is not permitted to ask publishes without the answers, unless items are delayed.
  package private(set) var preconditions: [Method] = []
  /// When the items are to be in their queue; nil for at once.
  package private(set) var dueTime: DueTime?
  /// The question that the broker is asked when it confirms nothing. If the answer is that the queue does not exist,
  /// nothing will ever be confirmed.
  package var inquiry: Method?
  /// Whether items without a message id get one.
  package var givesIDs = true
  /// Returns the time for an item without a timestamp, in seconds since 1970-01-01T00:00:00Z. nil if items get none.
  package var timestamp: (() -> UInt64)?
  /// The number of items at the beginning that are not published.
  package var skip: Int
  /// What goes on beside the publication.
  package var companion: (any Companion)?
  /// Makes the correlation id of each item from its number. nil if items get none.
  package var correlationID: ((Int) -> ByteString)?
  package var limits: Publication.Limits

  package init(
    access: BrokerAccess, heartbeat: UInt16, connectionName: String, destination: Destination,
    properties: BasicProperties, skip: Int, limits: Publication.Limits
  ) {
    self.access = access
    self.heartbeat = heartbeat
    self.connectionName = connectionName
    self.destination = destination
    self.properties = properties
    self.skip = skip
    self.limits = limits
  }

  /// The preconditions, with the question whether a client waits for a direct reply.
  var allPreconditions: [Method] {
    guard destination.isDirectReply else { return preconditions }
    return [.queueDeclare(.init(name: ByteString(destination.routingKey), isPassive: true))]
  }

  /// Before anything is published, the broker is asked whether the destination exists.
  package mutating func ask(_ question: Method) { preconditions = [question] }

  /// The items get to their queue at this time, through other queues, which are made if they are not there.
  package mutating func delay(_ dueTime: DueTime, now: ContinuousClock.Instant) {
    self.dueTime = dueTime
    let seconds = max(1, dueTime.maxSeconds(now: now))
    preconditions = DelayLadder.declarations(to: destination.routingKey, upTo: seconds)
  }

  /// How to publish an item `now` that is due at a time; nil for at once.
  func publishMethod(due: ContinuousClock.Instant?, now: ContinuousClock.Instant) -> Method {
    let seconds = due.map { DueTime.seconds(from: now, to: $0) } ?? 0
    let place = seconds == 0 ? destination : DelayLadder.entrance(to: destination.routingKey, after: seconds)
    return .basicPublish(
      exchange: ByteString(place.exchange), routingKey: ByteString(place.routingKey),
      mandatory: !place.isDirectReply)
  }

  /// The parameters of a connection that sends these methods on one channel right after the login.
  func parameters(_ broker: BrokerURL, _ methods: [Method], on channel: UInt16) -> Connection.Parameters {
    Connection.Parameters(
      url: broker, heartbeat: heartbeat, name: connectionName,
      initialMethods: methods.map { ChannelMethod($0, on: channel) })
  }
}
