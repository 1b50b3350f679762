package import AMQP
package import Broker
package import Linux

/// Takes the messages of a queue of results, without ever blocking. Its owner waits for `interest` and `deadline`, and then calls
/// `process`. A lost connection is made again.
package final class ResultReader {
  package enum Event {
    /// A message, which is to be acknowledged.
    case message(Delivery)
    /// The connection was lost, and is made again.
    case lost(BrokerFailure)
    case ended(End)
  }

  /// Why no more messages come.
  package enum End: Hashable, Sendable {
    /// The queue was deleted.
    case deleted
    /// The queue of the items was deleted.
    case itemsDeleted
    case refused(CloseReason)
    case broker(BrokerFailure)
  }

  private static let channel: UInt16 = 1
  /// A refusal of the question about the queue of the items closes only this channel.
  private static let watchChannel: UInt16 = 2
  private static let prefetchCount: UInt16 = 64

  private let queue: String
  private let configuration: BatchConfiguration
  private var reconnection: Reconnection
  private var link: BrokerLink?
  /// The time of the next attempt to connect, or the time that the present attempt has.
  private var limit: ContinuousClock.Instant?
  private var isConsuming = false
  private var closing = ClosingLinks()
  /// nil if the items are not published to one queue.
  private var watch: QueueWatch?
  /// Whether results are still to come.
  package var isAwaiting = false
  /// The broker of the latest connection.
  package private(set) var broker: BrokerURL

  /// The connection is the one of `configuration` but for its name.
  package init(_ queue: String, _ configuration: BatchConfiguration, name: String, now: ContinuousClock.Instant) {
    self.queue = queue
    var configuration = configuration
    configuration.connectionName = name
    self.configuration = configuration
    let brokers = configuration.access.brokers
    broker = brokers[0]
    reconnection = Reconnection(
      brokerCount: brokers.count, limits: configuration.limits, jitter: { .random(in: 0...1) }, now: now)
    limit = now
    guard !configuration.destination.isDirectReply else { return }
    watch = configuration.inquiry.map { QueueWatch($0, now: now) }
  }

  /// Whether nothing is read, so that the broker sends no more than can be handled.
  package var isPaused: Bool {
    get { link?.isPaused ?? false }
    set { link?.isPaused = newValue }
  }

  package var interest: PollInterest? { link?.interest }
  package var deadline: ContinuousClock.Instant? { [limit, link?.deadline, askAt].compactMap(\.self).min() }

  /// When to ask about the queue of the items.
  private var askAt: ContinuousClock.Instant? { isConsuming && isAwaiting && !isPaused ? watch?.deadline : nil }

  /// Does what is possible without waiting, and returns what has happened.
  package func process(_ readiness: PollReadiness, now: ContinuousClock.Instant) -> [Event] {
    guard let link else {
      if let limit, now >= limit { connect(now: now) }
      return []
    }
    var events: [Event] = []
    for event in link.process(readiness, now: now) {
      switch event {
      case .connection(let event): take(event, into: &events, now: now)
      case .failed(let failure): failed(failure, into: &events, now: now)
      }
      // An earlier event may have ended the link.
      guard self.link === link else { return events }
    }
    if let limit, now >= limit { failed(link.unanswered, into: &events, now: now) }
    if let askAt, now >= askAt {
      for method in watch?.ask() ?? [] { try? link.send(method, on: Self.watchChannel) }
    }
    return events
  }

  private func connect(now: ContinuousClock.Instant) {
    let brokers = configuration.access.current()
    broker = brokers[reconnection.brokerIndex % brokers.count]
    let methods: [Method] = [
      .channelOpen, .basicQoS(prefetchCount: Self.prefetchCount),
      .basicConsume(queue: ByteString(queue), consumerTag: "results", arguments: FieldTable()),
    ]
    link = BrokerLink(
      broker: broker, configuration.parameters(broker, methods, on: Self.channel), access: configuration.access,
      now: now)
    limit = reconnection.attemptLimit(now: now)
  }

  private func take(_ event: Connection.Event, into events: inout [Event], now: ContinuousClock.Instant) {
    switch event {
    case .method(Self.watchChannel, let answer):
      if watch?.take(answer, now: now) == true { end(.itemsDeleted, into: &events) }
    case .method(_, .basicConsumeOK):
      (isConsuming, limit) = (true, nil)
      reconnection.ready(now: now)
      watch?.connected(now: now)
    case .delivered(_, let delivery):
      reconnection.progressed()
      watch?.heard(now: now)
      events.append(.message(delivery))
    case .method(_, .channelClose(let reason)): end(.refused(reason), into: &events)
    case .method(_, .basicCancel): end(.deleted, into: &events)
    default: break
    }
  }

  private func failed(_ failure: BrokerFailure, into events: inout [Event], now: ContinuousClock.Instant) {
    guard reconnection.mayPass(failure.kind) else { return end(.broker(failure), into: &events) }
    var failure = failure
    let decision = reconnection.failed(&failure, hasOpenItems: false, isEnding: false, now: now)
    guard case .retry(let time) = decision else { return end(.broker(failure), into: &events) }
    close(now: now)
    limit = time
    if failure.kind == .lost { events.append(.lost(failure)) }
  }

  private func end(_ end: End, into events: inout [Event]) {
    close(now: .now)
    events.append(.ended(end))
  }

  /// The message is taken care of. It is one of the latest connection.
  package func acknowledge(_ delivery: Delivery) {
    try? link?.send(.basicAck(deliveryTag: delivery.envelope.deliveryTag, multiple: false), on: Self.channel)
  }

  /// Sends what is queued.
  package func flush() { link?.flush() }

  // MARK: The end

  /// Asks the broker to delete the queue. Returns false if there is no connection to ask on.
  package func deleteQueue() -> Bool {
    guard isConsuming, let link else { return false }
    let method = Method.queueDelete(queue: ByteString(queue), ifUnused: false, ifEmpty: false)
    return (try? link.send(method, on: Self.channel)) != nil
  }

  /// Begins to close the connection. `closingInterests` and `processClosing` see it to its end.
  package func close(now: ContinuousClock.Instant) {
    if let link { closing.add(link, limit: now + Self.closeLimit) }
    (link, limit, isConsuming) = (nil, nil, false)
  }

  /// How long the broker may take to answer the close of the connection.
  private static let closeLimit: Duration = .seconds(5)

  package var isClosed: Bool { closing.isEmpty }
  package var closingInterests: [PollInterest] { closing.interests }
  package var closingDeadline: ContinuousClock.Instant? { closing.deadline }

  package func processClosing(_ readiness: some Collection<PollReadiness>, now: ContinuousClock.Instant) {
    closing.process(readiness, now: now)
  }
}
