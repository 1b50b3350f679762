import AMQP
import Broker
import Linux

@testable import Publishing

/// Drives a publication by hand, and remembers what it wants to be done.
struct PublicationDriver {
  var publication: Publication
  let start = ContinuousClock.now
  /// The items that are to be sent and that the test has not looked at yet.
  private var outgoing: ArraySlice<Item> = []

  init(brokers: Int = 1, items: Int = 1024, bytes: Int = 1 << 20, files: Int = 64, loginMayChange: Bool = false) {
    var limits = Publication.Limits(outage: .seconds(60))
    limits.loginMayChange = loginMayChange
    (limits.items, limits.bytes, limits.files) = (items, bytes, files)
    publication = Publication(brokerCount: brokers, limits: limits, jitter: { 0 }, now: start)
  }

  @discardableResult mutating func handle(_ event: PublicationEvent, after seconds: Int = 0) -> [PublicationAction] {
    let actions = publication.handle(event, now: start + .seconds(seconds))
    for case .send(let items) in actions { outgoing += items }
    return actions
  }

  mutating func ready() {
    handle(.tick)
    handle(.ready)
  }

  /// Sends the next item.
  mutating func next() -> Item? {
    if outgoing.isEmpty { handle(.room(byteCount: 1)) }
    return outgoing.popFirst()
  }

  /// Accepts and sends items of these numbers.
  mutating func send(_ numbers: ClosedRange<Int>, size: Int = 1) {
    for number in numbers {
      let body = [UInt8](repeating: 0, count: size)
      handle(.item(Item(number: number, messageID: ByteString("\(number)"), body: body)))
    }
    while next() != nil {}
  }

  /// Returns how many items are sent again because of the loss; nil if it is the end.
  @discardableResult
  mutating func lose(_ kind: BrokerFailure.Kind = .lost, after seconds: Int = 0) -> Int? {
    let actions = handle(.failed(BrokerFailure(kind, broker: BrokerURL(host: "h"), detail: "")), after: seconds)
    if actions.isEmpty || end != nil { return nil }
    for case .notify(.lost(_, let count)) in actions { return count }
    return 0
  }

  /// The attempts fail, one after the other; whether each is announced.
  mutating func announced(_ kinds: BrokerFailure.Kind..., after seconds: Int = 0) -> [Bool] {
    kinds.map { kind in
      let failure = BrokerFailure(kind, broker: BrokerURL(host: "h"), detail: "")
      return handle(.failed(failure), after: seconds).contains {
        if case .notify(.unreachable) = $0 { true } else { false }
      }
    }
  }

  mutating func returned(_ id: ByteString?) {
    var properties = BasicProperties()
    properties.messageID = id
    let reason = CloseReason(code: .noRoute, text: "NO_ROUTE")
    handle(.confirmation(.returned(ReturnedMessage(reason: reason, properties: properties))))
  }

  mutating func acked(_ tag: UInt64, multiple: Bool = true) {
    handle(.confirmation(.accepted(tag, multiple: multiple)))
  }

  mutating func rejected(_ tag: UInt64) { handle(.confirmation(.rejected(tag, multiple: false))) }

  /// Whether the time makes it ask for the queue, since nothing has been confirmed.
  mutating func isQuiet(after seconds: Int) -> Bool {
    handle(.tick, after: seconds).contains { if case .askForQueue = $0 { true } else { false } }
  }

  /// Whether the attempt has taken too long.
  mutating func isOverdue(after seconds: Int) -> Bool {
    handle(.tick, after: seconds).contains { if case .giveUpAttempt = $0 { true } else { false } }
  }

  var confirmedCount: Int { publication.tally.confirmedCount }
  var refusals: [PublicationTally.Refusal] { publication.tally.refusals }
  var resentCount: Int { publication.tally.resentCount }
  var brokerIndex: Int { publication.reconnection.brokerIndex }

  var end: Publication.End? {
    if case .ended(let end) = publication.phase { end } else { nil }
  }
  var isDone: Bool { if case .done? = end { true } else { false } }
  var isRefused: Bool { if case .refused? = end { true } else { false } }
  var isUnreachable: Bool { if case .broker? = end { true } else { false } }
  func isEnded(by signal: Signal) -> Bool { if case .signal(signal)? = end { true } else { false } }
  /// How long until the next attempt.
  var pause: Duration? { if case .waiting(let time) = publication.phase { start.duration(to: time) } else { nil } }
}

extension Item {
  init(number: Int, messageID: ByteString?, body: [UInt8]) {
    self.init(number: number, messageID: messageID, ItemContent(.memory(body)))
  }
}
