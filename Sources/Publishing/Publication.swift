package import AMQP
package import Broker
package import Linux

/// Decides what happens as items are published, without any I/O: events are told, and what is to be done is asked for.
package struct Publication {
  package struct Limits: Hashable, Sendable {
    /// The most items whose confirmation is awaited.
    package var items = 1024
    /// The most bytes of them that are kept in memory, unless it is a single one.
    package var bytes = 4 << 20
    /// The most of them whose files are open meanwhile.
    package var files = 64
    /// How long brokers may be out of reach, or lose every connection before they confirm anything, or before it has lasted.
    package var outage: Duration
    /// How long a broker may take from the attempt at a connection until items can be sent.
    package var opening: Duration = .seconds(60)
    /// How much of that it has at least, near the end of an outage.
    package var leastOpening: Duration = .seconds(2)
    /// After how long without a confirmation that is due the publication is quiet.
    package var quiet: Duration = .seconds(10)
    /// A login that is refused and was good before is tried again, since somebody may replace it.
    package var loginMayChange = false
    /// How long what is under way may take when it has been told to end.
    package var ending: Duration = .seconds(5)

    package init(outage: Duration) { self.outage = outage }
  }

  /// What became of it all.
  package enum End {
    /// Every item that there was is in a queue.
    case done
    /// The broker refused at least one, and none was begun to be sent after that was known.
    case refused
    case signal(Signal)
    case input(InputError)
    case broker(BrokerFailure)
    case channel(CloseReason)
    /// An item whose properties no frame can carry.
    case item(number: Int, AMQPError)
  }

  package enum Phase {
    /// A connection is to be made when that time has come.
    case waiting(until: ContinuousClock.Instant)
    /// A connection is being made, or the broker is asked what it takes before items can be sent. Until then.
    case connecting(until: ContinuousClock.Instant)
    /// Items can be sent.
    case publishing
    case ended(End)
  }

  package internal(set) var phase: Phase
  let brokerCount: Int
  let limits: Limits
  let chance: @Sendable () -> Double
  var window = Window()
  var backOff = BackOff()
  var attempts = 0
  var outageEnd: ContinuousClock.Instant?
  /// Since the broker confirmed something.
  var hasFailed = false
  /// Somebody has been told that no broker is there.
  var isOutageAnnounced = false
  /// Items could be sent at some time.
  var hasBeenReady = false
  /// Since when items can be sent over the connection that there is.
  var readySince: ContinuousClock.Instant?
  /// Told to end, and how long what is under way may still take.
  var ending: (signal: Signal, limit: ContinuousClock.Instant)?
  /// What will be the end once nothing is under way.
  private var pendingEnd: End?

  package private(set) var confirmedCount = 0
  /// Of items that are in no queue: the numbers, and whether it is for want of one.
  package private(set) var refusals: [(number: Int, isUnroutable: Bool)] = []
  /// How many were sent more than once, since their confirmation was lost with a connection.
  package internal(set) var resentCount = 0
  /// How many items were accepted.
  package private(set) var acceptedCount = 0
  private var lastNumber = 0
  /// The first item that was accepted and is in no queue, whatever the broker says.
  private var firstLeftOut: Int?
  /// The broker has said that it takes nothing for now.
  package var isBlocked = false
  /// What has been settled, and since when nothing more has.
  private var progress: (settledCount: Int, time: ContinuousClock.Instant)
  /// Of what was sent nothing has been confirmed for a while, and the broker does not say why.
  package private(set) var isQuiet = false

  /// `chance` gives a number from 0 to 1 for each pause, by which they differ.
  package init(brokerCount: Int, limits: Limits, chance: @escaping @Sendable () -> Double, now: ContinuousClock.Instant)
  {
    self.brokerCount = brokerCount
    self.limits = limits
    self.chance = chance
    phase = .waiting(until: now)
    outageEnd = now + limits.outage
    progress = (0, now)
  }

  // MARK: What there is to do

  /// Which of the brokers to connect to.
  package var brokerIndex: Int { attempts % brokerCount }

  /// Another item may be accepted.
  package var wantsItem: Bool {
    guard case .publishing = phase, pendingEnd == nil else { return false }
    return window.count < limits.items && window.fileCount < limits.files
      && (window.byteCount < limits.bytes || window.isEmpty)
  }

  /// When `tick` wants to be called at the latest.
  package var deadline: ContinuousClock.Instant? {
    switch phase {
    case .waiting(let time), .connecting(let time): time
    case .publishing: [ending?.limit, quietLimit].compactMap(\.self).min()
    case .ended: nil
    }
  }

  /// The broker has had its time, and items cannot be sent: the attempt has failed.
  package func isOverdue(now: ContinuousClock.Instant) -> Bool {
    if case .connecting(let limit) = phase { now >= limit } else { false }
  }

  /// The next item for the broker; it counts as sent.
  package mutating func nextToSend() -> Item? {
    guard case .publishing = phase else { return nil }
    return window.nextToSend()
  }

  // MARK: What is known

  /// The items that may be in the queue, or may not.
  package var unknownNumbers: [Int] { window.doubtfulNumbers }
  /// How many items are accepted, and their fate is open.
  package var openCount: Int { window.count }
  /// All items up to this one are in the queue.
  package var lastNumberInOrder: Int {
    let missing = [window.firstOpenNumber, refusals.map(\.number).min(), firstLeftOut].compactMap(\.self).min()
    return missing.map { $0 - 1 } ?? lastNumber
  }

  // MARK: Events

  package mutating func accept(_ item: Item) {
    acceptedCount += 1
    lastNumber = item.number
    window.append(item)
  }

  /// There are no more items, for `error`'s sake if there is one.
  package mutating func inputEnded(_ error: InputError? = nil) {
    pendingEnd = pendingEnd ?? error.map { .input($0) } ?? .done
    endIfIdle()
  }

  /// The item that `nextToSend` handed out last does not fit any frame.
  package mutating func unsendable(_ item: Item, _ error: AMQPError) {
    window.removeLastSent()
    leaveOut(from: item.number)
    pendingEnd = .item(number: item.number, error)
    endIfIdle()
  }

  /// What the body of the item came from that was handed out last failed while it was sent. What was begun is
  /// never finished: the broker has no item of it.
  package mutating func bodyFailed(_ number: Int, _ error: InputError) {
    window.removeLastSent()
    leaveOut(from: number)
    pendingEnd = .input(error)
    // Nothing can follow what was begun, not even what is sent again.
    if window.hasUnsent { phase = .ended(.input(error)) } else { endIfIdle() }
  }

  /// The item is in no queue, and those behind it are not sent.
  private mutating func leaveOut(from number: Int) {
    firstLeftOut = min(number, firstLeftOut ?? number)
    window.removeUnsent()
  }

  package mutating func connecting(now: ContinuousClock.Instant) {
    let limit = now + limits.opening
    // An attempt that begins when the time is over is the last one, and it is a whole one.
    let isLast = outageEnd.map { $0 <= now } ?? true
    phase = .connecting(until: isLast ? limit : min(limit, max(outageEnd ?? limit, now + limits.leastOpening)))
  }

  /// The channel is ready for messages.
  package mutating func ready(now: ContinuousClock.Instant) {
    readySince = now
    hasBeenReady = true
    phase = .publishing
    endIfIdle()
  }

  package mutating func channelClosed(_ reason: CloseReason) {
    if let number = window.refusedNumber(reason) {
      leaveOut(from: number)
      window.remove(from: number)
    }
    phase = .ended(.channel(reason))
  }

  package mutating func returned(_ message: ReturnedMessage) {
    window.returned(messageID: message.properties.messageID)
  }

  /// The broker took messages (`basic.ack`) or, with `isRejection`, did not (`basic.nack`).
  package mutating func settled(upTo tag: UInt64, multiple: Bool, isRejection: Bool) {
    let settlement = window.settle(tag, multiple: multiple, isRejection: isRejection)
    confirmedCount += settlement.confirmedCount
    if settlement.confirmedCount > 0 { progressed() }
    refusals += settlement.unroutable.map { ($0, true) } + settlement.rejected.map { ($0, false) }
    if !refusals.isEmpty {
      pendingEnd = .refused
      window.removeUnsent()
    }
    endIfIdle()
  }

  /// Told to end: what is under way is finished, unless it is the second time.
  package mutating func received(_ signal: Signal, now: ContinuousClock.Instant) {
    guard case .publishing = phase, ending == nil else {
      phase = .ended(.signal(signal))
      return
    }
    ending = (signal, now + limits.ending)
    if pendingEnd == nil { pendingEnd = .signal(signal) }
    endIfIdle()
  }

  package mutating func tick(now: ContinuousClock.Instant) {
    if let ending, now >= ending.limit { phase = .ended(.signal(ending.signal)) }
    let settledCount = confirmedCount + refusals.count
    if quietLimit == nil || settledCount > progress.settledCount { progress = (settledCount, now) }
    isQuiet = quietLimit.map { now >= $0 } ?? false
  }

  /// The broker has been asked about the queue.
  package mutating func inquired(now: ContinuousClock.Instant) {
    progress.time = now
    isQuiet = false
  }

  private var quietLimit: ContinuousClock.Instant? {
    guard case .publishing = phase, window.hasSent, !isBlocked else { return nil }
    return progress.time + limits.quiet
  }

  static let proof: Duration = .seconds(10)

  mutating func progressed() {
    (outageEnd, hasFailed, isOutageAnnounced, backOff) = (nil, false, false, BackOff())
  }

  private mutating func endIfIdle() {
    guard let pendingEnd, window.isEmpty, case .publishing = phase else { return }
    phase = .ended(pendingEnd)
  }
}
