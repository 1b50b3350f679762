package import AMQP
internal import Broker
package import Linux

/// Publishes the items of a source in a batch, with many unconfirmed at a time. It carries out what `Publication`
/// decides, in one thread with one poll(2) over the broker's socket, the source and the signals.
package final class BatchPublisher {
  let configuration: BatchConfiguration
  let signals: SignalReceiver
  private let notify: (Publication.Notice, BrokerURL) -> Void
  private let onTurn: (Publication, BrokerURL) -> ContinuousClock.Instant?
  package private(set) var publication: Publication
  private var items: NumberedItems
  /// The connection, or the attempt to make one.
  var channel: BatchChannel?
  /// Whether the user is permitted to ask for the preconditions, as far as is known.
  private var mayAsk = true
  private var inquiry: QueueInquiry?
  /// Connections that are no longer used and are being closed.
  var closing = ClosingLinks()
  /// The broker of the latest connection.
  package private(set) var broker: BrokerURL
  private var end: Publication.End?

  /// Takes over the signals of the process.
  ///
  /// `notify` receives news for the user. `onTurn` is called whenever something may have changed, and returns the
  /// latest time for its next call.
  package init(
    _ configuration: BatchConfiguration, _ source: any ItemSource,
    notify: @escaping (Publication.Notice, BrokerURL) -> Void,
    onTurn: @escaping (Publication, BrokerURL) -> ContinuousClock.Instant?
  ) throws(SystemError) {
    self.configuration = configuration
    self.notify = notify
    self.onTurn = onTurn
    items = NumberedItems(source, configuration)
    signals = try SignalReceiver(Signal.endings)
    broker = configuration.access.brokers[0]
    publication = Publication(
      brokerCount: configuration.access.brokers.count, limits: configuration.limits, jitter: { .random(in: 0...1) },
      now: .now)
  }

  /// The number of items that the source had, including those that were skipped.
  package var seenCount: Int { items.count }

  /// Publishes until the publication ends.
  package func run() throws(SystemError) -> Publication.End {
    while true {
      handle(.tick)
      takeItems()
      send()
      let next = onTurn(publication, broker)
      if let end {
        endInquiry()
        try close(after: end)
        return end
      }
      try wait(until: next)
    }
  }

  // MARK: Events and actions

  func handle(_ event: PublicationEvent) {
    for action in publication.handle(event, now: .now) { perform(action) }
  }

  private func perform(_ action: PublicationAction) {
    switch action {
    case .connect(let index): connect(index)
    case .giveUpAttempt: handle(.failed(BrokerFailure(.unreachable, broker: broker, detail: "it does not answer")))
    case .disconnect: disconnect()
    case .send(let items): send(items)
    case .askForQueue: askForQueue()
    case .notify(let notice): notify(notice, broker)
    case .finish(let end): self.end = end
    }
  }

  private func wait(until next: ContinuousClock.Instant?) throws(SystemError) {
    var interests = [signals.interest]
    let itemsIndex = interests.add(publication.wantsItem ? items.interest : nil)
    let linkIndex = interests.add(channel?.link.interest)
    let inquiryIndex = interests.add(inquiry?.interest)
    let firstClosing = interests.count
    interests += closing.interests
    let firstOfCompanion = interests.count
    interests += configuration.companion?.interests ?? []
    let deadlines = [
      publication.deadline, channel?.link.deadline, inquiry?.deadline, closing.deadline,
      configuration.companion?.deadline, next,
    ]
    let readiness = try poll(interests, until: deadlines.compactMap(\.self).min())
    closing.process(readiness[firstClosing..<firstOfCompanion], now: .now)
    configuration.companion?.process(readiness[firstOfCompanion...])
    if readiness[0].readable {
      for signal in signals.receive() where signal != .child { handle(.signal(signal)) }
    }
    if let itemsIndex, readiness[itemsIndex].readable { readItems() }
    processLink(linkIndex.map { readiness[$0] } ?? PollReadiness())
    processInquiry(inquiryIndex.map { readiness[$0] } ?? PollReadiness())
  }

  // MARK: Items

  private func readItems() {
    do { try items.read() } catch { handle(.inputEnded(error)) }
  }

  private func takeItems() {
    guard configuration.companion?.wantsItems != false else { return handle(.inputEnded(nil)) }
    do {
      while publication.wantsItem, let item = try items.next() {
        configuration.companion?.took(item.number, id: item.messageID)
        handle(.item(item))
      }
      if items.isAtEnd, publication.wantsItem { handle(.inputEnded(nil)) }
    } catch {
      handle(.inputEnded(error))
    }
  }

  // MARK: Sending

  /// Sends until the socket takes no more, or everything is sent.
  private func send() {
    while let channel, fill(channel) {
      channel.link.flush()
      // If something is left, the next poll tells when the socket takes more.
      guard channel.link.unsentByteCount == 0 else { return }
    }
    channel?.link.flush()
  }

  /// Queues what can be sent. Returns whether more may follow.
  private func fill(_ channel: BatchChannel) -> Bool {
    while channel.link.hasRoom {
      if channel.isSending {
        guard sendPiece(channel) else { return false }
      } else if publication.hasUnsent {
        handle(.room(byteCount: BrokerLink.maxUnsentByteCount - channel.link.unsentByteCount))
      } else {
        return false
      }
    }
    return true
  }

  private func send(_ items: [Item]) {
    guard let channel else { return }
    for item in items {
      do { try channel.begin(item) } catch { return handle(.doesNotFitFrame(number: item.number, error)) }
    }
  }

  private func sendPiece(_ channel: BatchChannel) -> Bool {
    do {
      try channel.sendPiece()
      return true
    } catch {
      let reason = "item \(error.number) cannot be read whole: \(error.reason)"
      handle(.bodyFailed(number: error.number, InputError(kind: .unreadable, reason: reason)))
      return false
    }
  }

  // MARK: The broker

  private func connect(_ index: Int) {
    let brokers = configuration.access.current()
    broker = brokers[index % brokers.count]
    channel = BatchChannel(to: broker, configuration, asks: mayAsk)
  }

  private func processLink(_ readiness: PollReadiness) {
    guard let channel else { return }
    for event in channel.link.process(readiness, now: .now) {
      if end != nil { return }
      switch event {
      case .connection(let event): handle(event, on: channel)
      case .failed(let failure): handle(.failed(failure))
      }
    }
  }

  private func handle(_ event: Connection.Event, on channel: BatchChannel) {
    if case .method(_, .confirmSelectOK) = event {
      channel.isAsking = false
      return handle(.ready)
    }
    guard let confirmation = Confirmation.decode(event)?.confirmation else { return }
    if case .channelClosed(let reason) = confirmation, channel.isAsking, reason.code == .accessRefused,
      configuration.dueTime == nil
    {
      // A user who may publish need not be permitted to ask what exists. Unroutable items are returned anyway.
      mayAsk = false
      return channel.reopenWithoutAsking()
    }
    handle(.confirmation(confirmation))
  }

  private func disconnect() {
    // A broker that was only silent may still be there.
    if let channel { closing.add(channel.link, limit: .now + Self.closeLimit) }
    channel = nil
    endInquiry()
  }

  // MARK: The queue

  private func askForQueue() {
    guard let question = configuration.inquiry, inquiry == nil else { return }
    inquiry = QueueInquiry(question, to: configuration.access.current(broker), configuration)
  }

  private func processInquiry(_ readiness: PollReadiness) {
    guard let answer = inquiry?.process(readiness) else { return }
    endInquiry()
    if case .refused(let reason) = answer, reason.meansNoSuchQueue { handle(.queueMissing(reason)) }
  }

  private func endInquiry() {
    if let inquiry { closing.add(inquiry.link, limit: .now + Self.closeLimit) }
    inquiry = nil
  }
}
