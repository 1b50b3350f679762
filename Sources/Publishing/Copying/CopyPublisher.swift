package import AMQP
package import Broker
package import Linux

/// Publishes copies of items for a runner. Each copy is confirmed on its own, so the copies do not wait for each other.
///
/// A copy publisher never blocks. Its owner waits for `interest` and `deadline`, and then calls `process`. Bodies may
/// be large, because they are read only as fast as the broker takes them.
///
/// The copies have a connection of their own: a broker that is short of memory stops reading from a connection that
/// publishes, and would no longer see the acknowledgements on it either. The connection is opened for the first copy
/// and is kept for the next ones.
package final class CopyPublisher {
  /// The outcome of copies, which are identified by the ids that the caller gave them.
  package enum Event: Hashable, Sendable {
    case confirmed(Int)
    /// Another part of a large copy has been sent, and more of it remains.
    case advanced(Int)
    /// The outcome is unknown: the copy may be in the queue if only the broker's answer was lost.
    case failed(Int, reason: String)
    case refused(Int, PublishRefusal)
    /// The broker is short of memory or disk space and takes no messages for now. This loses no message.
    case blocked(reason: String)
    /// The broker takes messages again, or the blocked connection is gone.
    case unblocked

    /// The copy that it is about.
    package var id: Int? {
      switch self {
      case .confirmed(let id), .advanced(let id), .failed(let id, _), .refused(let id, _): id
      case .blocked, .unblocked: nil
      }
    }
  }

  private var parameters: Connection.Parameters
  package let broker: BrokerURL
  private let access: BrokerAccess?
  /// The address of the broker, if it is known. No name has to be looked up then.
  package let address: SocketAddress?
  /// A time in the past, which is the deadline if there is something to do at once.
  private let past: ContinuousClock.Instant
  private var link: BrokerLink?
  private var copies = OutgoingCopies()
  private var isBlocked = false
  private var discarded: [BrokerLink] = []
  /// Events that the next `process` returns.
  private var pending: [Event] = []

  /// If `access` is given, it provides the credentials for each new connection.
  package init(
    broker: BrokerURL, _ parameters: Connection.Parameters, access: BrokerAccess? = nil,
    address: SocketAddress? = nil, now: ContinuousClock.Instant
  ) {
    self.broker = broker
    self.address = address
    self.access = access
    self.parameters = parameters
    past = now
  }

  // MARK: Waiting

  package var interest: PollInterest? { link?.interest }

  /// The latest time for the next call of `process`, whether or not the socket is ready.
  package var deadline: ContinuousClock.Instant? {
    if !pending.isEmpty { return past }
    guard let link else { return copies.isAnyWaiting ? past : nil }
    return canAdvance(link) ? past : link.deadline
  }

  private func canAdvance(_ link: BrokerLink) -> Bool { link.isOpen && copies.canAdvance && link.hasRoom }

  // MARK: Copies

  /// Accepts a copy, which the next calls of `process` publish. No other unfinished copy may have the same id. It is refused if
  /// its queue turns out to be one that `amqp-job declare` made for the runners of `owner`.
  package func publish(
    _ id: Int, _ properties: BasicProperties, body: any MessageBody, to destination: Destination,
    unlessReservedBy owner: WorkQueue? = nil
  ) {
    copies.add(.init(id: id, properties: properties, body: body, destination: destination, owner: owner))
  }

  /// Forgets a copy that the caller no longer waits for. If no other copy is under way, this also drops the connection,
  /// which may be stuck or may have sent a part of the copy. That copy then never reaches a queue.
  package func drop(_ id: Int) {
    let wasAwaited = copies.isAnyAwaited
    copies.drop(id)
    guard wasAwaited, !copies.isAnyAwaited else { return }
    pending += disconnect("nobody waits for it")
  }

  /// Does what is possible without waiting, and returns what has happened.
  package func process(_ readiness: PollReadiness, now: ContinuousClock.Instant) -> [Event] {
    var events = pending
    pending = []
    guard let link else {
      // `readiness` belongs to a connection that is gone.
      if copies.isAnyWaiting { connect(now: now) }
      return events
    }
    for event in link.process(readiness, now: now) {
      switch event {
      case .connection(.opened): copies.channelLimit = min(OutgoingCopies.maxUnconfirmed, link.channelMax)
      case .connection(let event): take(event, into: &events)
      case .failed(let failure):
        events += disconnect(failure.description)
        return events + copies.failAll(failure.description)
      }
    }
    advance(on: link, into: &events)
    return events
  }

  private func advance(on link: BrokerLink, into events: inout [Event]) {
    do {
      var hasAdvanced = false
      while canAdvance(link) {
        hasAdvanced = true
        if let event = try copies.advance(on: link) { events.append(event) }
      }
      if hasAdvanced, let id = copies.idInTransit { events.append(.advanced(id)) }
      link.flush()
    } catch {
      // A message that was sent in part can only be withdrawn by dropping the connection.
      events += copies.failSending(error.reason)
      events += disconnect("the connection had to be dropped with another message, of which a part had been sent")
    }
  }

  private func connect(now: ContinuousClock.Instant) {
    if let access { parameters.logIn(as: access.current(broker)) }
    link = BrokerLink(broker: broker, parameters, access: access, address: address, now: now)
  }

  private func take(_ event: Connection.Event, into events: inout [Event]) {
    guard let event = copies.handle(event) else { return }
    switch event {
    case .blocked: isBlocked = true
    case .unblocked: isBlocked = false
    case .confirmed, .advanced, .failed, .refused: break
    }
    events.append(event)
  }

  private func disconnect(_ reason: String) -> [Event] {
    // If the broker does not read, a clean close would complete the message that must not arrive any more.
    if let link, link.unsentByteCount == 0 { discarded.append(link) }
    link = nil
    defer { isBlocked = false }
    return (isBlocked ? [.unblocked] : []) + copies.failBegun(reason)
  }

  /// The connections that are no longer used. The caller closes them (`ClosingLinks`).
  package func takeDiscarded() -> [BrokerLink] {
    defer { discarded = [] }
    return discarded
  }

  /// Forgets all unconfirmed copies and discards the connection.
  package func close() {
    if let link { discarded.append(link) }
    link = nil
    copies = OutgoingCopies()
    isBlocked = false
    pending = []
  }
}
