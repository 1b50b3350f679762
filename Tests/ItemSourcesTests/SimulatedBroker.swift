import AMQP
import TestSupport

@testable import ItemSources

/// A queue for items, and a ledger with a single active consumer.
struct SimulatedBroker {
  struct Record {
    var tag: UInt64
    var message: LedgerMessage
  }

  private(set) var copies: [ByteString: Int] = [:]
  private(set) var ready: [LedgerMessage] = []
  private var unsettled: [Record] = []
  /// The consumers, the active one first.
  private var consumers: [Int] = []
  private var nextTag: UInt64 = 1

  var itemCount: Int { copies.values.reduce(0, +) }
  var recordCount: Int { ready.count + unsettled.count }

  mutating func publish(_ name: ByteString) { copies[name, default: 0] += 1 }
  mutating func publish(_ message: LedgerMessage) { ready.append(message) }

  mutating func consume(_ link: Int) { consumers.append(link) }

  func canDeliver(to link: Int) -> Bool { consumers.first == link }

  /// The next message, if this is the active consumer.
  mutating func deliver(to link: Int) -> Record? {
    guard consumers.first == link, !ready.isEmpty else { return nil }
    let record = Record(tag: nextTag, message: ready.removeFirst())
    nextTag += 1
    unsettled.append(record)
    return record
  }

  mutating func ack(_ tag: UInt64, multiple: Bool) {
    unsettled.removeAll { $0.tag == tag || multiple && $0.tag < tag }
  }

  /// The consumer is gone, and what it has not settled is back. Brokers of some versions give it back in another order.
  mutating func release(_ link: Int, _ random: inout Random) {
    if consumers.first == link {
      let returned = unsettled.map(\.message)
      ready = (random.chance(1, in: 2) ? returned : returned.shuffled(using: &random)) + ready
      unsettled = []
    }
    consumers.removeAll { $0 == link }
  }

  mutating func deleteLedger() { (ready, unsettled) = ([], []) }
}
