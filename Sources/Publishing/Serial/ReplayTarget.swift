internal import AMQP
internal import Broker
internal import Linux

/// The publishing side of a replay: publishes copies of the waiting letters, and keeps the account of their
/// confirmations.
final class ReplayTarget {
  /// A message that was delivered and is to be moved.
  struct Letter {
    let delivery: Delivery
    let body: ReceivedBody
  }

  private let session: BrokerSession
  private let queue: WorkQueue
  private let publisher: SerialPublisher
  private var waiting: ArraySlice<Letter> = []
  /// The size of all bodies that wait to be published.
  private(set) var waitingByteCount: UInt64 = 0
  private(set) var transfers = Transfers()
  /// The error that stopped publishing. Confirmations are still awaited.
  private(set) var error: PublishError?
  /// Whether no more confirmations will come.
  private(set) var isSilent = false
  private var hasReturns = false
  /// Whether the broker closed the channel because of one message.
  private var isOneRefused = false
  private var latestAnswer = ContinuousClock.now

  init(_ queue: WorkQueue, on session: BrokerSession, onFlow: @escaping (String?) -> Void) throws(SessionError) {
    self.queue = queue
    self.session = session
    publisher = try SerialPublisher(session, queue: queue.name, onFlow: onFlow)
  }

  /// The number of messages that wait or are under way.
  var count: Int { transfers.count + waiting.count }

  /// Whether nothing is under way.
  var isIdle: Bool { (isSilent || transfers.openCount == 0) && (error != nil || waiting.isEmpty) }

  /// The session to wait for, as long as answers may come.
  var awaited: BrokerSession? { isSilent ? nil : session }

  /// The number of messages that are neither published nor known not to be.
  func unknownCount(isSourceLost: Bool) -> Int {
    let possibleCount = isSourceLost ? transfers.possibleCount : transfers.openCount
    return max(0, possibleCount - (publisher.isSending || isOneRefused ? 1 : 0))
  }

  func add(_ letter: Letter) {
    waiting.append(letter)
    waitingByteCount += letter.body.size
  }

  /// Stops publishing. The first error counts.
  func stop(_ error: PublishError) { self.error = self.error ?? error }

  /// Stops publishing, because the connection or the channel is gone.
  func lose(_ error: PublishError) {
    stop(error)
    isSilent = true
  }

  // MARK: Publishing

  /// Sends as much as there is room for.
  func publish() {
    guard !isSilent else { return }
    do {
      try publisher.advance()
      while error == nil, publisher.isReady, let letter = waiting.first {
        try publisher.begin(letter.body, properties(of: letter.delivery))
        waiting.removeFirst()
        waitingByteCount -= letter.body.size
        if waiting.isEmpty { waiting = [] }
        transfers.add(tag: letter.delivery.envelope.deliveryTag)
      }
    } catch .session(.unsendable(let error)) {
      stop(.session(.unsendable(error)))
    } catch {
      // A message was sent in part, so neither its rest nor another message can follow.
      lose(error)
    }
  }

  private func properties(of delivery: Delivery) -> BasicProperties {
    let first = FirstPublish.recorded(in: delivery.properties, delivery.envelope, from: queue)
    // An item that has a timestamp has an age, which begins anew.
    let replayTime = FieldTable.Entry(name: ItemHeader.replayTime, value: .timestamp(ThisProcess.time))
    let age = delivery.properties.timestamp == nil ? [] : [replayTime]
    var copy = delivery.properties.copied(adding: (first?.headers ?? []) + age)
    copy.expiration = nil
    return copy
  }

  // MARK: Confirmations

  /// Takes the answers of the broker.
  func takeAnswers() {
    let now = ContinuousClock.now
    for event in session.takeEvents() {
      guard let answer = publisher.answer(event) else { continue }
      latestAnswer = now
      take(answer)
    }
    guard transfers.openCount > 0, publisher.isReady, !publisher.isBlocked else { return latestAnswer = now }
    if now >= latestAnswer + BrokerSession.callLimit { lose(.session(.unanswered)) }
  }

  private func take(_ answer: SerialPublisher.Answer) {
    switch answer {
    // After a return it is unknown which of the next confirmations belongs to the returned message.
    case .confirmed(let number, let isMultiple) where !hasReturns: transfers.confirm(number, multiple: isMultiple)
    case .confirmed(let number, let isMultiple), .rejected(let number, let isMultiple):
      transfers.refuse(number, multiple: isMultiple)
      stop(.refused(.rejected))
    case .returned:
      hasReturns = true
      stop(.refused(.unroutable))
    case .closed(let reason):
      isOneRefused = reason.refusal != .trouble
      lose(.session(.refused(reason)))
    }
  }

  /// Removes the messages whose outcome is known, up to a delivery tag.
  /// - Returns: The delivery tags to acknowledge.
  func takeSettled(upTo last: UInt64) -> [UInt64] { transfers.takeSettled(upTo: last) }

  /// Removes all messages, because no more outcomes will become known.
  /// - Returns: The delivery tags to acknowledge, and those to requeue.
  func takeAll() -> (confirmed: [UInt64], staying: [UInt64]) {
    let (confirmed, staying) = transfers.takeAll()
    return (confirmed, staying + waiting.map(\.delivery.envelope.deliveryTag))
  }
}
