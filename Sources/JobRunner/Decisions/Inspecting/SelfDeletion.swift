internal import Broker

/// A queue that deletes itself with its last consumer, and the items that go with it.
struct SelfDeletion: Hashable, Sendable {
  /// Why the queue may be lost together with its items; nil if that is not known.
  var transience: [DeclarationInquiry.Transience]? = []
  /// The runner is finding out how many items there are, before it attaches a consumer.
  var isAwaitingDepth = false
  /// The slots whose consumers are being cancelled, with the number of items that each of them gives back.
  private var leaving: [Int: Int] = [:]

  /// The queue is known to delete itself.
  var isKnown: Bool { transience?.contains(.autoDelete) == true }

  /// The consumer of the slot is being cancelled, and the broker is asked before what there is in the queue.
  mutating func asked(in slot: Int, givingBack count: Int) { leaving[slot] = count }

  /// The broker has answered. Returns how many items go with the queue, or nil if the slot had not asked.
  mutating func answered(in slot: Int, ready: UInt32, consumers: UInt32) -> Int? {
    guard let givenBack = leaving.removeValue(forKey: slot) else { return nil }
    return consumers > 1 ? 0 : Int(ready) + givenBack
  }

  mutating func connectionLost() {
    isAwaitingDepth = false
    leaving = [:]
  }
}
