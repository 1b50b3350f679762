package import AMQP
package import Broker
internal import Linux

/// Carries a publication out: one thread, one poll(2) over the broker's socket, the items' source and signals.
package final class PublishLoop {
  package struct Configuration {
    /// Tried in turn.
    package var access: BrokerAccess
    /// Seconds.
    package var heartbeat: UInt16
    /// How the broker's management tools show the connection.
    package var connectionName: String
    package var destination: Destination
    /// Of items that have none of their own.
    package var properties: BasicProperties
    /// Asked of the broker before anything is published. Where it refuses one, nothing is, but where the user may not ask.
    package var preconditions: [Method] = []
    /// What the broker is asked when it confirms nothing. Where it says that there is no such queue, nothing ever will be
    /// confirmed of what was sent to it.
    package var inquiry: Method?
    /// An item without a message id gets one of its own.
    package var givesIDs = true
    /// How many items at the beginning are left out.
    package var skip: Int
    package var limits: Publication.Limits

    package init(
      access: BrokerAccess, heartbeat: UInt16, connectionName: String,
      destination: Destination,
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
  }

  /// What somebody may want to know as it happens.
  package enum Notice {
    /// The broker takes nothing for now, and why.
    case blocked(BrokerURL, reason: String)
    case unblocked(BrokerURL)
    /// The broker confirms nothing, for so long already.
    case quiet(BrokerURL, Duration)
    /// The connection was lost; so many items will be sent once more.
    case lost(BrokerFailure, resent: Int)
    /// No broker can be reached, this one last of all; they are tried again.
    case unreachable(BrokerFailure)
  }

  /// An item that is sent in parts.
  struct Sending {
    let number: Int
    let body: Body
    var offset: UInt64
  }

  static let channel: UInt16 = 1
  /// The most bytes that wait to be sent.
  static let mostUnsent = 256 << 10
  static let pieceSize = 64 << 10

  let configuration: Configuration
  private var source: any ItemSource
  let signals: SignalReceiver
  private let notify: (Notice) -> Void
  package internal(set) var publication: Publication
  let method: Method
  private let idPrefix: [UInt8]
  private var number = 0
  var link: BrokerLink?
  /// The preconditions are with the broker.
  private var isAsking = false
  /// The user is not forbidden to ask.
  private var mayAsk = true
  var sending: Sending?
  var inquiry: QueueInquiry?
  /// The connections that are not needed any more.
  var closing = ClosingLinks()
  /// How many items were confirmed when it was last said that it is quiet.
  private var quietCount: Int?
  /// Of this connection.
  var template: MessageTemplate?
  private var lastBroker: BrokerURL
  /// What it takes to be called now and then.
  private let onTurn: (Publication, BrokerURL) -> ContinuousClock.Instant?

  /// Takes over the process's signals. `onTurn` is called whenever something may have changed, and says when it wants to be called
  /// again at the latest.
  /// - Throws: `SystemError`
  package init(
    _ configuration: Configuration, _ source: any ItemSource, notify: @escaping (Notice) -> Void,
    onTurn: @escaping (Publication, BrokerURL) -> ContinuousClock.Instant?
  ) throws {
    self.configuration = configuration
    self.source = source
    self.notify = notify
    self.onTurn = onTurn
    signals = try SignalReceiver([.terminate, .interrupt, .hangup])
    lastBroker = configuration.access.brokers[0]
    let destination = configuration.destination
    method = .basicPublish(
      exchange: ByteString(destination.exchange), routingKey: ByteString(destination.routingKey),
      mandatory: !destination.isDirectReply)
    idPrefix = Array("\(String(UInt64.random(in: .min ... .max), radix: 16))-".utf8)
    publication = Publication(
      brokerCount: configuration.access.brokers.count, limits: configuration.limits, chance: { .random(in: 0...1) },
      now: .now)
  }

  /// How many items there have been, with those that were left out.
  package var seenCount: Int { number }

  /// The broker that was connected to last.
  package var broker: BrokerURL { lastBroker }

  /// Publishes until there is an end to it.
  /// - Throws: `SystemError`
  package func run() throws -> Publication.End {
    while true {
      connectIfDue()
      takeItems()
      send()
      let next = onTurn(publication, lastBroker)
      if case .ended(let end) = publication.phase {
        try close(after: end)
        return end
      }
      try wait(until: next)
    }
  }

  private func wait(until next: ContinuousClock.Instant?) throws {
    var interests = [signals.interest]
    let sourceIndex = interests.add(publication.wantsItem ? source.interest : nil)
    let linkIndex = interests.add(link?.interest)
    let inquiryIndex = interests.add(inquiry?.interest)
    let firstClosing = interests.count
    interests += closing.interests
    let deadlines = [publication.deadline, link?.deadline, inquiry?.deadline, closing.deadline, next]
    let readiness = try poll(interests, until: deadlines.compactMap(\.self).min())
    closing.process(readiness[firstClosing...], now: .now)
    if readiness[0].readable {
      for signal in signals.receive() where signal != .child { publication.received(signal, now: .now) }
    }
    if let sourceIndex, readiness[sourceIndex].readable { readSource() }
    processLink(linkIndex.map { readiness[$0] } ?? PollReadiness())
    processInquiry(inquiryIndex.map { readiness[$0] } ?? PollReadiness())
    if publication.isOverdue(now: .now) {
      lose(BrokerFailure(.unreachable, broker: lastBroker, detail: "it does not answer"))
    }
    publication.tick(now: .now)
    if publication.isQuiet { inquire() }
  }

  private func inquire() {
    publication.inquired(now: .now)
    if quietCount != publication.confirmedCount {
      quietCount = publication.confirmedCount
      notify(.quiet(lastBroker, configuration.limits.quiet))
    }
    guard let question = configuration.inquiry, inquiry == nil else { return }
    inquiry = QueueInquiry(
      question, to: configuration.access.current(lastBroker), access: configuration.access,
      heartbeat: configuration.heartbeat,
      name: configuration.connectionName)
  }

  private func processInquiry(_ readiness: PollReadiness) {
    guard let answer = inquiry?.process(readiness) else { return }
    endInquiry()
    guard case .publishing = publication.phase else { return }
    if case .refused(let reason) = answer, reason.meansNoSuchQueue { publication.channelClosed(reason) }
  }

  // MARK: Items

  private func readSource() {
    do { try source.read() } catch { publication.inputEnded(error) }
  }

  private func takeItems() {
    do {
      while publication.wantsItem, let next = try source.next() {
        number += 1
        guard number > configuration.skip else { continue }
        publication.accept(Item(number: number, messageID: messageID(next.properties), next))
      }
      if source.isAtEnd, publication.wantsItem { publication.inputEnded() }
    } catch {
      publication.inputEnded(error)
    }
  }

  private func messageID(_ properties: BasicProperties?) -> ByteString? {
    if let given = properties.map(\.messageID) ?? configuration.properties.messageID { return given }
    guard configuration.givesIDs else { return nil }
    var id = idPrefix
    id.append(contentsOf: "\(number)".utf8)
    return ByteString(id)
  }

  // MARK: The broker

  private var preconditions: [Method] {
    let destination = configuration.destination
    guard destination.isDirectReply else { return configuration.preconditions }
    return [.queueDeclare(.init(name: ByteString(destination.routingKey), isPassive: true))]
  }

  private func connectIfDue() {
    guard case .waiting(let time) = publication.phase, ContinuousClock.now >= time else { return }
    let brokers = configuration.access.current()
    let broker = brokers[publication.brokerIndex % brokers.count]
    lastBroker = broker
    isAsking = mayAsk && !preconditions.isEmpty
    let opening = [.channelOpen] + (isAsking ? preconditions : []) + [.confirmSelect]
    link = BrokerLink(
      broker: broker,
      .init(
        url: broker, heartbeat: configuration.heartbeat, name: configuration.connectionName,
        initialMethods: opening.map { ChannelMethod($0, on: Self.channel) }),
      access: configuration.access, now: .now)
    sending = nil
    template = nil
    publication.connecting(now: .now)
  }

  private func processLink(_ readiness: PollReadiness) {
    guard let link else { return }
    for event in link.process(readiness, now: .now) {
      if case .ended = publication.phase { return }
      switch event {
      case .connection(let event): handle(event)
      case .failed(let failure): lose(failure)
      }
    }
  }

  private func lose(_ failure: BrokerFailure) {
    // One that has only been silent may still be there.
    if let link { closing.add(link, limit: .now + Self.closeLimit) }
    link = nil
    sending = nil
    endInquiry()
    guard let count = publication.failed(failure, now: .now) else { return }
    if failure.kind == .lost {
      notify(.lost(failure, resent: count))
    } else if publication.announcesOutage(now: .now) {
      notify(.unreachable(failure))
    }
  }

  private func handle(_ event: Connection.Event) {
    switch event {
    case .returned(_, let message): publication.returned(message)
    case .method(_, .basicAck(let tag, let multiple)):
      publication.settled(upTo: tag, multiple: multiple, isRejection: false)
    case .method(_, .basicNack(let tag, let multiple, _)):
      publication.settled(upTo: tag, multiple: multiple, isRejection: true)
    case .method(_, .confirmSelectOK):
      isAsking = false
      publication.ready(now: .now)
    case .method(_, .channelClose(let reason)) where isAsking && reason.code == .accessRefused: goOnUnasked()
    case .method(_, .channelClose(let reason)): publication.channelClosed(reason)
    case .method(_, .connectionBlocked(let reason)):
      publication.isBlocked = true
      notify(.blocked(lastBroker, reason: reason))
    case .method(_, .connectionUnblocked):
      publication.isBlocked = false
      notify(.unblocked(lastBroker))
    default: break
    }
  }

  /// Who may publish need not be allowed to know what is there. That an item comes into no queue shows by its return.
  private func goOnUnasked() {
    (isAsking, mayAsk) = (false, false)
    do {
      for method in [Method.channelOpen, .confirmSelect] { try link?.send(method, on: Self.channel) }
    } catch { preconditionFailure("\(error)") }
  }
}
