internal import AMQP
internal import Broker
internal import Linux

/// A publisher's connection to the broker.
final class PublisherLink {
  enum Event {
    /// An event for the publisher's decisions.
    case publisher(SourcePublisher.Event)
    /// The broker is short of memory or disk space, and takes no messages; nil when it does again.
    case blocked(reason: String?)
    /// The last event.
    case ended(Ending)
  }

  enum Ending {
    case failed(BrokerFailure)
    /// The broker refuses a queue, or what is done with it.
    case refused(CloseReason, queue: String)
    /// The connection has to be made anew.
    case broken(String)
    case unsendable(AMQPError)
  }

  private struct Sending {
    let name: ByteString
    let file: InputFile
    var offset: UInt64 = 0
  }

  /// How long the broker may take from the login to the consumer.
  private static let joinLimit: Duration = .seconds(30)
  /// A larger body is none of the ledger's.
  private static let maxRecordSize = 4 << 20

  let link: BrokerLink
  private let queue: String
  private let ledger: LedgerQueue
  private let method: Method
  private var template: TimedTemplate
  private var opening: PublisherOpening
  private let joinDeadline: ContinuousClock.Instant
  /// What was published and is not confirmed yet, from the delivery tag `firstTag` on; nil for what is.
  private var open: ArraySlice<SourcePublisher.Sent?> = []
  private var firstTag: UInt64 = 1
  private var sending: Sending?
  private var isReturned = false
  /// The file that could not be sent to its end.
  private var changed: (name: ByteString, reason: String)?
  /// What has ended the link from within.
  private var ending: Ending?

  init(_ broker: BrokerURL, _ parameters: Connection.Parameters, _ configuration: SourceLoop.Configuration) {
    (queue, ledger) = (configuration.queue, configuration.ledger)
    template = TimedTemplate(configuration.properties)
    method = .basicPublish(exchange: "", routingKey: ByteString(queue), mandatory: true)
    opening = PublisherOpening(queue, ledger)
    var parameters = parameters
    parameters.initialMethods = opening.methods
    parameters.maxBodySizeInMemory = Self.maxRecordSize
    joinDeadline = .now + BrokerLink.loginLimit + Self.joinLimit
    link = BrokerLink(broker: broker, parameters, access: configuration.access, now: .now)
  }

  var interest: PollInterest? { link.interest }
  /// It has passed at once when the link has ended from within, so that the owner is told.
  var deadline: ContinuousClock.Instant? {
    guard ending == nil else { return .now }
    return [link.deadline, opening.isJoined ? nil : joinDeadline].compactMap(\.self).min()
  }

  /// Whether another message can be begun.
  var isReady: Bool { opening.isJoined && ending == nil && sending == nil && link.hasRoom }

  // MARK: Sending

  func publish(_ message: LedgerMessage) {
    let body = message.body
    let publish = Method.basicPublish(exchange: "", routingKey: ByteString(ledger.name), mandatory: true)
    guarded { () throws(AMQPError) in
      try link.send(publish, properties: message.properties, bodySize: UInt64(body.count), on: PublisherOpening.items)
    }
    sendInPieces(body)
    if case .mark = message { open.append(.mark) } else { open.append(.record) }
  }

  func publish(_ name: ByteString, _ body: ItemBody) {
    guarded { () throws(AMQPError) in
      let template = try template.template(method, at: ThisProcess.time, for: link)
      try link.send(template, messageID: name, bodySize: body.size, on: PublisherOpening.items)
    }
    open.append(.item(name))
    switch body {
    case .memory(let bytes): sendInPieces(bytes)
    case .file(let file):
      sending = Sending(name: name, file: file)
      advance()
    }
  }

  private func sendInPieces(_ bytes: [UInt8]) {
    guard ending == nil else { return }
    for start in stride(from: 0, to: bytes.count, by: BrokerLink.bodyPieceSize) {
      link.sendBody(Array(bytes[start...].prefix(BrokerLink.bodyPieceSize)), on: PublisherOpening.items)
    }
  }

  /// Sends more of a file that is being sent.
  func advance() {
    while let piece = sending, ending == nil, link.hasRoom {
      guard piece.offset < piece.file.size else { return sending = nil }
      do {
        let bytes = try piece.file.read(at: piece.offset, atMost: BrokerLink.bodyPieceSize)
        guard !bytes.isEmpty else { throw SystemError.readFailed }
        link.sendBody(bytes, on: PublisherOpening.items)
        sending?.offset += UInt64(bytes.count)
        link.flush()
      } catch {
        // Nothing can follow a message that is not complete.
        changed = (piece.name, "cannot be sent: \(SystemError.reason(of: error))")
        ending = .broken("a message could not be completed")
      }
    }
  }

  func ack(_ deliveryTag: UInt64, multiple: Bool) {
    send([.basicAck(deliveryTag: deliveryTag, multiple: multiple)])
  }

  func consume() { send([.channelOpen] + ledger.consuming) }

  /// The broker takes the consumer and gives back what is unsettled in one step.
  func release() { send([.channelClose(CloseReason(code: .success, text: "bye"))]) }

  private func send(_ methods: [Method]) {
    guarded { () throws(AMQPError) in
      for method in methods { try link.send(method, on: PublisherOpening.ledger) }
    }
  }

  private func guarded(_ body: () throws(AMQPError) -> Void) {
    do { try body() } catch { ending = ending ?? .unsendable(error) }
  }

  // MARK: Receiving

  func process(_ readiness: PollReadiness, now: ContinuousClock.Instant) -> [Event] {
    var events: [Event] = []
    for event in link.process(readiness, now: now) { events += received(event) }
    // There may be room now, and nothing else would tell of it.
    advance()
    if !opening.isJoined, now >= joinDeadline { events.append(.ended(.broken("the broker does not answer"))) }
    if let changed {
      self.changed = nil
      events.append(.publisher(.changed(changed.name, reason: changed.reason)))
    }
    if let ending { events.append(.ended(ending)) }
    link.flush()
    return events
  }

  private func received(_ event: BrokerLink.Event) -> [Event] {
    switch event {
    case .failed(let failure): return [.ended(.failed(failure))]
    case .connection(.delivered(_, let delivery)):
      let message =
        delivery.bodySize == UInt64(delivery.body.count)
        ? LedgerMessage(delivery.properties, body: delivery.body) : nil
      return [.publisher(.delivered(message, deliveryTag: delivery.envelope.deliveryTag))]
    case .connection(.returned):
      isReturned = true
      return []
    case .connection(.method(_, .connectionBlocked(let reason))): return [.blocked(reason: reason)]
    case .connection(.method(_, .connectionUnblocked)): return [.blocked(reason: nil)]
    case .connection(.method(let channel, let method)):
      return opening.isJoined ? joined(method, on: channel) : open(method, on: channel)
    case .connection: return []
    }
  }

  private func open(_ method: Method, on channel: UInt16) -> [Event] {
    switch opening.received(method, on: channel) {
    case .none: return []
    case .send(let methods):
      guarded { () throws(AMQPError) in for each in methods { try link.send(each.method, on: each.channel) } }
      return []
    case .joined: return [.publisher(.joined)]
    case .refused(let reason, let queue): return [.ended(.refused(reason, queue: queue))]
    }
  }

  private func joined(_ method: Method, on channel: UInt16) -> [Event] {
    switch (method, channel) {
    case (.basicAck(let tag, let multiple), PublisherOpening.items): settled(tag, multiple, isConfirmed: true)
    case (.basicNack(let tag, let multiple, _), PublisherOpening.items): settled(tag, multiple, isConfirmed: false)
    case (.channelCloseOK, PublisherOpening.ledger): [.publisher(.released)]
    case (.basicCancel, _): [.ended(.broken("the broker has ended the consumer of queue '\(ledger.name)'"))]
    case (.channelClose(let reason), PublisherOpening.items): closed(reason)
    case (.channelClose(let reason), _): [.ended(.refused(reason, queue: ledger.name))]
    default: []
    }
  }

  private func settled(_ tag: UInt64, _ multiple: Bool, isConfirmed: Bool) -> [Event] {
    guard tag >= firstTag, tag - firstTag < open.count else { return [] }
    if isReturned { return [.ended(.broken("queue '\(queue)' or '\(ledger.name)' is gone"))] }
    let last = open.startIndex + Int(tag - firstTag)
    let events = ((multiple ? open.startIndex : last)...last).compactMap { index -> Event? in
      defer { open[index] = nil }
      return open[index].map { .publisher(.settled($0, isConfirmed: isConfirmed)) }
    }
    let count = open.prefix { $0 == nil }.count
    open.removeFirst(count)
    firstTag += UInt64(count)
    return events
  }

  /// The broker closes the channel because of one message.
  private func closed(_ reason: CloseReason) -> [Event] {
    let items = open.compactMap { sent -> ByteString? in if case .item(let name)? = sent { name } else { nil } }
    guard reason.refusal == .tooLarge, let first = items.first else {
      return [.ended(.refused(reason, queue: queue))]
    }
    let event: SourcePublisher.Event =
      open.count == 1 ? .tooLarge(first, reason: reason.text) : .oneTooLarge(reason: reason.text)
    return [.publisher(event), .ended(.broken("the broker has closed the channel: \(reason.text)"))]
  }
}
