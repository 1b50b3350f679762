package import AMQP
package import Broker
package import Linux

/// Decides what happens while items are published: it takes events and returns actions, without any I/O.
/// `BatchPublisher` carries the actions out.
package struct Publication {
  package struct Limits: Hashable, Sendable {
    /// The maximum number of unconfirmed items.
    package var items = 1024
    /// The maximum memory for unconfirmed items, in bytes. A single item may take more.
    package var bytes = 4 << 20
    /// The maximum number of files that are open for unconfirmed items.
    package var files = 64
    /// The maximum time for which the brokers may be out of reach. A connection that is lost before the broker has
    /// confirmed anything, or before it has lasted for a while, does not end this time.
    package var outage: Duration
    /// The maximum time from the start of an attempt to connect until items can be sent.
    package var opening: Duration = .seconds(60)
    /// The minimum of that time near the end of an outage.
    package var minOpening: Duration = .seconds(2)
    /// The time without a due confirmation after which the broker is asked about the queue.
    package var quiet: Duration = .seconds(10)
    /// Whether to retry a login that is refused after an earlier one succeeded, because the credentials may be
    /// replaced.
    package var loginMayChange = false
    /// The time for the remaining confirmations after a signal.
    package var ending: Duration = .seconds(5)

    package init(outage: Duration) { self.outage = outage }
  }

  /// News for the user.
  package enum Notice {
    case blocked(reason: String)
    case unblocked
    /// The broker has confirmed nothing for this long.
    case quiet(Duration)
    /// The connection was lost. This many items are sent again.
    case lost(BrokerFailure, resent: Int)
    /// No broker can be reached. The failure is that of the last one. They are tried again.
    case unreachable(BrokerFailure)
  }

  /// The outcome of the publication.
  package enum End {
    /// All items are in a queue.
    case done
    /// The broker refused at least one item. No item was begun after that was known.
    case refused
    case signal(Signal)
    case input(InputError)
    case broker(BrokerFailure)
    case channel(CloseReason)
    /// The properties of an item do not fit a frame.
    case item(number: Int, AMQPError)
  }

  package enum Phase {
    /// There is no connection until the next attempt, at this time.
    case waiting(until: ContinuousClock.Instant)
    /// An attempt is under way, and may take until this time.
    case connecting(until: ContinuousClock.Instant)
    /// Items can be sent.
    case publishing
    case ended(End)
  }

  /// The maximum number of items in one `send`.
  private static let maxSendCount = 64
  /// An estimate of the bytes that a message takes besides its body.
  private static let messageOverhead = 64

  package private(set) var phase: Phase
  package private(set) var tally = PublicationTally()
  let limits: Limits
  private var window = Window()
  private(set) var reconnection: Reconnection
  private var quietWatch: QuietWatch
  private var isBlocked = false
  /// The signal that ends the publication, and the time until which confirmations are awaited.
  private var ending: (signal: Signal, limit: ContinuousClock.Instant)?
  /// The outcome as soon as no item is unconfirmed.
  private var pendingEnd: End?

  /// `jitter` returns a number from 0 to 1 for each pause, by which the pauses of several programs differ.
  init(
    brokerCount: Int, limits: Limits, jitter: @escaping @Sendable () -> Double, now: ContinuousClock.Instant
  ) {
    self.limits = limits
    reconnection = Reconnection(brokerCount: brokerCount, limits: limits, jitter: jitter, now: now)
    quietWatch = QuietWatch(limit: limits.quiet, now: now)
    phase = .waiting(until: now)
  }

  // MARK: State

  /// Whether another item can be accepted.
  var wantsItem: Bool {
    guard case .publishing = phase, pendingEnd == nil else { return false }
    return window.count < limits.items && window.fileCount < limits.files
      && (window.byteCount < limits.bytes || window.isEmpty)
  }

  /// Whether an item is waiting to be sent.
  var hasUnsent: Bool {
    if case .publishing = phase { window.hasUnsent } else { false }
  }

  /// The latest time for the next `tick`.
  var deadline: ContinuousClock.Instant? {
    switch phase {
    case .waiting(let time), .connecting(let time): time
    case .publishing: [ending?.limit, isConfirmationDue ? quietWatch.deadline : nil].compactMap(\.self).min()
    case .ended: nil
    }
  }

  /// The numbers of the items that may be in the queue or not.
  package var unknownNumbers: [Int] { window.doubtfulNumbers }
  /// The number of accepted items whose outcome is open.
  package var openCount: Int { window.count }
  /// The number of the last item in an unbroken row of items that are in the queue.
  package var lastNumberInOrder: Int { tally.lastNumberInOrder(firstOpen: window.firstOpenNumber) }

  private var isConfirmationDue: Bool {
    if case .publishing = phase { window.hasSent && !isBlocked } else { false }
  }

  // MARK: Events

  /// Decides what to do about an event.
  mutating func handle(_ event: PublicationEvent, now: ContinuousClock.Instant) -> [PublicationAction] {
    if case .ended = phase { return [] }
    var actions = decide(event, now: now)
    endIfIdle()
    if case .ended(let end) = phase { actions.append(.finish(end)) }
    return actions
  }

  private mutating func decide(_ event: PublicationEvent, now: ContinuousClock.Instant) -> [PublicationAction] {
    switch event {
    case .tick: return tick(now: now)
    case .item(let item): accept(item)
    case .inputEnded(let error): pendingEnd = pendingEnd ?? error.map { .input($0) } ?? .done
    case .ready:
      reconnection.ready(now: now)
      phase = .publishing
    case .failed(let failure): return failed(failure, now: now)
    case .room(let byteCount): return send(byteCount)
    case .doesNotFitFrame(let number, let error): leaveOut(number, pendingEnd: .item(number: number, error))
    case .bodyFailed(let number, let error):
      leaveOut(number, pendingEnd: .input(error))
      // Nothing can follow an incomplete message, not even the items that would have to be sent again.
      if window.hasUnsent { phase = .ended(.input(error)) }
    case .confirmation(let confirmation): return take(confirmation)
    case .queueMissing(let reason): if case .publishing = phase { channelClosed(reason) }
    case .signal(let signal): received(signal, now: now)
    }
    return []
  }

  private mutating func endIfIdle() {
    guard let pendingEnd, window.isEmpty, case .publishing = phase else { return }
    phase = .ended(pendingEnd)
  }

  private mutating func tick(now: ContinuousClock.Instant) -> [PublicationAction] {
    switch phase {
    case .waiting(let time) where now >= time:
      phase = .connecting(until: reconnection.attemptLimit(now: now))
      return [.connect(broker: reconnection.brokerIndex)]
    case .connecting(let limit) where now >= limit: return [.giveUpAttempt]
    case .waiting, .connecting, .publishing, .ended: break
    }
    if let ending, now >= ending.limit { phase = .ended(.signal(ending.signal)) }
    let finding = quietWatch.check(
      settledCount: tally.settledCount, confirmedCount: tally.confirmedCount, isDue: isConfirmationDue, now: now)
    guard case .quiet(let isNew) = finding else { return [] }
    return (isNew ? [.notify(.quiet(limits.quiet))] : []) + [.askForQueue]
  }

  private mutating func received(_ signal: Signal, now: ContinuousClock.Instant) {
    guard case .publishing = phase, ending == nil else {
      phase = .ended(.signal(signal))
      return
    }
    ending = (signal, now + limits.ending)
    if pendingEnd == nil { pendingEnd = .signal(signal) }
  }

  // MARK: Items

  private mutating func accept(_ item: Item) {
    tally.accept(item.number)
    window.append(item)
  }

  private mutating func send(_ byteCount: Int) -> [PublicationAction] {
    guard hasUnsent else { return [] }
    var room = byteCount
    var items: [Item] = []
    while room > 0, items.count < Self.maxSendCount, let item = window.nextToSend() {
      items.append(item)
      // A body that is sent in pieces keeps the connection busy, so its item is the last one.
      if item.body.isSentInPieces { break }
      room -= Self.messageOverhead + Int(clamping: item.body.size)
    }
    return items.isEmpty ? [] : [.send(items)]
  }

  /// Removes an item that could not be sent, and the unsent items after it.
  private mutating func leaveOut(_ number: Int, pendingEnd: End) {
    window.removeUnsendable(number)
    leaveOut(from: number)
    self.pendingEnd = pendingEnd
  }

  private mutating func leaveOut(from number: Int) {
    tally.leaveOut(from: number)
    window.removeUnsent()
  }

  // MARK: The broker

  private mutating func take(_ confirmation: Confirmation) -> [PublicationAction] {
    switch confirmation {
    case .accepted(let tag, let multiple): settle(window.settle(tag, multiple: multiple, isRejection: false))
    case .rejected(let tag, let multiple): settle(window.settle(tag, multiple: multiple, isRejection: true))
    case .returned(let message): window.returned(messageID: message.properties.messageID)
    case .channelClosed(let reason): channelClosed(reason)
    case .blocked(let reason):
      isBlocked = true
      return [.notify(.blocked(reason: reason))]
    case .unblocked:
      isBlocked = false
      return [.notify(.unblocked)]
    }
    return []
  }

  private mutating func settle(_ settlement: Window.Settlement) {
    tally.add(settlement)
    if settlement.confirmedCount > 0 { reconnection.progressed() }
    guard !tally.refusals.isEmpty else { return }
    pendingEnd = .refused
    window.removeUnsent()
  }

  private mutating func channelClosed(_ reason: CloseReason) {
    if let number = window.refusedNumber(reason) {
      leaveOut(from: number)
      window.remove(from: number)
    }
    phase = .ended(.channel(reason))
  }

  private mutating func failed(_ failure: BrokerFailure, now: ContinuousClock.Instant) -> [PublicationAction] {
    guard reconnection.mayPass(failure.kind) else {
      phase = .ended(.broker(failure))
      return [.disconnect]
    }
    var failure = failure
    let decision = reconnection.failed(
      &failure, hasOpenItems: !window.isEmpty, isEnding: ending != nil, now: now)
    guard case .retry(let time) = decision else {
      phase = .ended(ending.map { .signal($0.signal) } ?? .broker(failure))
      return [.disconnect]
    }
    isBlocked = false
    let (count, firstTime) = window.restart()
    tally.addResent(firstTime)
    phase = .waiting(until: time)
    if failure.kind == .lost { return [.disconnect, .notify(.lost(failure, resent: count))] }
    return [.disconnect] + (reconnection.announces(now: now) ? [.notify(.unreachable(failure))] : [])
  }
}
