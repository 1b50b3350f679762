package import AMQP
package import Linux

/// Puts messages into queues, each confirmed, without blocking: it says what to wait for, as a link
/// does. The bodies may be large: they are read as the broker takes them.
///
/// The connection is one of its own, since a broker short of memory stops to read a connection that publishes, acks
/// and all. It is opened with the first message, and kept for the next ones.
package final class ConfirmedPublisher {
  /// What became of messages, by the numbers that the caller gave them.
  package enum Event: Hashable, Sendable {
    case confirmed(Int)
    /// Another part of a large one has been sent, and there is more to send.
    case advanced(Int)
    /// It may be in the queue all the same, where the broker's answer was lost.
    case failed(Int, reason: String)
    case refused(Int, Refusal)
    /// The broker is short of memory or disk, and takes nothing for now. No message is lost by that.
    case blocked(reason: String)
    /// The broker takes messages again, or the connection that it had stopped to read is gone.
    case unblocked
  }

  /// Why the broker put a message into no queue.
  package enum Refusal: Hashable, Sendable, CustomStringConvertible {
    /// No queue is there where it was to go.
    case unroutable
    /// The queue is full, or in trouble.
    case rejected
    /// The broker closed the channel over it.
    case closed(CloseReason)

    package var description: String {
      switch self {
      case .unroutable: "no queue is there for it"
      case .rejected: "the broker rejected it"
      case .closed(let reason): reason.text
      }
    }
  }

  /// While so much waits to be sent, no more of a body is read.
  static let mostUnsent = 256 << 10

  private var parameters: Connection.Parameters
  package let broker: BrokerURL
  private let access: BrokerAccess?
  /// Where the broker is, if that is known: no thread is needed then to look it up.
  package let address: SocketAddress?
  /// A time that has passed.
  private let past: ContinuousClock.Instant
  private var link: BrokerLink?
  private var messages = OutgoingMessages()
  private var isBlocked = false
  /// Connections that are no longer used.
  private var discarded: [BrokerLink] = []
  /// What is to be told with the next `process`.
  private var untold: [Event] = []

  /// Where there is `access`, that is asked how to log in, for each connection.
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

  /// When `process` wants to be called at the latest, ready or not.
  package var deadline: ContinuousClock.Instant? {
    if !untold.isEmpty { return past }
    guard let link else { return messages.isAnyWaiting ? past : nil }
    return canAdvance(link) ? past : link.deadline
  }

  private func canAdvance(_ link: BrokerLink) -> Bool {
    link.isOpen && messages.canAdvance && link.unsentByteCount < Self.mostUnsent
  }

  // MARK: Messages

  /// Takes a message; it goes out by `process`. `id` must be no other's of which nothing is known yet.
  package func publish(_ id: Int, _ properties: BasicProperties, body: any BodySource, to destination: Destination) {
    messages.add(.init(id: id, properties: properties, body: body, destination: destination))
  }

  /// The caller no longer waits for the message. Where nothing else is under way the connection is dropped, which may
  /// hang, or have a part of the message: then it comes into no queue any more.
  package func drop(_ id: Int) {
    let wasAwaited = messages.isAnyAwaited
    messages.drop(id)
    guard wasAwaited, !messages.isAnyAwaited else { return }
    untold += disconnect("nobody waits for it")
  }

  /// Does what can be done now, and says what came of it.
  package func process(_ readiness: PollReadiness, now: ContinuousClock.Instant) -> [Event] {
    var events = untold
    untold = []
    guard let link else {
      // What is ready was another link's.
      if messages.isAnyWaiting { connect(now: now) }
      return events
    }
    for event in link.process(readiness, now: now) {
      switch event {
      case .connection(.opened): messages.channelLimit = min(OutgoingMessages.mostUnconfirmed, link.channelMax)
      case .connection(let event): take(event, into: &events)
      case .failed(let failure):
        events += disconnect(failure.description)
        return events + messages.failAll(failure.description)
      }
    }
    do {
      var hasAdvanced = false
      while canAdvance(link) {
        hasAdvanced = true
        if let event = try messages.advance(on: link) { events.append(event) }
      }
      if hasAdvanced, let id = messages.idInTransit { events.append(.advanced(id)) }
      link.flush()
    } catch {
      // A message that is there in part can only be taken back with its connection.
      events += messages.failSending(error.reason)
      events += disconnect("the connection had to be dropped with another message, of which a part had been sent")
    }
    return events
  }

  private func connect(now: ContinuousClock.Instant) {
    if let access { parameters.logIn(as: access.current(broker)) }
    link = BrokerLink(broker: broker, parameters, access: access, address: address, now: now)
  }

  private func take(_ event: Connection.Event, into events: inout [Event]) {
    guard let event = messages.handle(event) else { return }
    switch event {
    case .blocked: isBlocked = true
    case .unblocked: isBlocked = false
    case .confirmed, .advanced, .failed, .refused: break
    }
    events.append(event)
  }

  private func disconnect(_ reason: String) -> [Event] {
    // Where the broker does not read, a close would only be the end of what must not get there any more.
    if let link, link.unsentByteCount == 0 { discarded.append(link) }
    link = nil
    defer { isBlocked = false }
    return (isBlocked ? [.unblocked] : []) + messages.failBegun(reason)
  }

  /// The connections that are no longer used, to be closed by the caller (`ClosingLinks`).
  package func takeDiscarded() -> [BrokerLink] {
    defer { discarded = [] }
    return discarded
  }

  /// Forgets what has not been confirmed, and discards the connection.
  package func close() {
    if let link { discarded.append(link) }
    link = nil
    messages = OutgoingMessages()
    isBlocked = false
    untold = []
  }
}
