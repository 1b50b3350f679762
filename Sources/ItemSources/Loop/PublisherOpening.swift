internal import AMQP
internal import Broker

/// How a publisher begins over a new connection: one channel for what it publishes, and one for its ledger.
struct PublisherOpening: Hashable, Sendable {
  enum Progress: Hashable, Sendable {
    case none
    case send([ChannelMethod])
    case joined
    case refused(CloseReason, queue: String)
  }

  static let items: UInt16 = 1
  static let ledger: UInt16 = 2

  private let queue: String
  private let ledgerQueue: LedgerQueue
  private var kind = WorkQueue.Kind.quorum
  /// Why the ledger's queue is no quorum queue.
  private var refusal: CloseReason?
  private var mayPublish = false
  private var isConsuming = false
  private var isAsking = true

  init(_ queue: String, _ ledger: LedgerQueue) { (self.queue, ledgerQueue) = (queue, ledger) }

  var isJoined: Bool { mayPublish && isConsuming }

  /// The first methods.
  var methods: [ChannelMethod] {
    [.channelOpen, .queueDeclare(.init(name: ByteString(queue), isPassive: true)), .confirmSelect].on(Self.items)
      + [.channelOpen, ledgerQueue.declaration(kind)].on(Self.ledger)
  }

  mutating func received(_ method: Method, on channel: UInt16) -> Progress {
    switch (method, channel) {
    case (.confirmSelectOK, Self.items): mayPublish = true
    case (.queueDeclareOK, Self.ledger): return .send(ledgerQueue.consuming.on(channel))
    case (.basicConsumeOK, Self.ledger): isConsuming = true
    case (.channelClose(let reason), Self.items):
      // A user who may publish need not be permitted to ask what exists. Unroutable items are returned anyway.
      guard reason.code == .accessRefused, isAsking else { return .refused(reason, queue: queue) }
      isAsking = false
      return .send([.channelOpen, .confirmSelect].on(channel))
    case (.channelClose(let reason), _):
      guard kind == .quorum, reason.code == .preconditionFailed || reason.code == .notImplemented else {
        return .refused(refusal ?? reason, queue: ledgerQueue.name)
      }
      (kind, refusal) = (.classic, reason)
      return .send([.channelOpen, ledgerQueue.declaration(kind)].on(channel))
    default: return .none
    }
    return isJoined ? .joined : .none
  }
}

extension [Method] {
  func on(_ channel: UInt16) -> [ChannelMethod] { map { ChannelMethod($0, on: channel) } }
}
