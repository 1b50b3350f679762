/// The account of messages that are being moved from one queue to another, without any I/O. Each of them has been
/// delivered and its copy has been published, but it has not been acknowledged yet. The copies are numbered from 1, in
/// the order of publishing.
struct Transfers {
  private enum State {
    case open
    /// The copy is in the target queue.
    case confirmed
    /// The copy is in no queue. The message stays where it is.
    case refused
  }

  private struct Transfer {
    /// The delivery tag of the message.
    let tag: UInt64
    var state = State.open
  }

  private var transfers: ArraySlice<Transfer> = []
  /// The number of the first copy in `transfers`.
  private var firstNumber: UInt64 = 1
  /// The number of copies whose outcome is not known.
  private(set) var openCount = 0
  /// The delivery tags of messages that have left `transfers` and stay in their queue.
  private var stayingTags: [UInt64] = []

  /// The number of messages under way.
  var count: Int { transfers.count }
  /// The number of copies that may be in the target queue.
  var possibleCount: Int { transfers.count { $0.state != .refused } }
  /// Whether any message stays in its queue. An acknowledgement of several messages at once must not include it.
  var hasRefusals: Bool { !stayingTags.isEmpty || transfers.contains { $0.state == .refused } }

  /// Adds the message with this delivery tag. Its copy has the next number.
  mutating func add(tag: UInt64) {
    transfers.append(Transfer(tag: tag))
    openCount += 1
  }

  /// Notes that the copy with this number is in the target queue. With `multiple`, so are all copies up to it. The
  /// number of a copy that was not sent has no effect.
  mutating func confirm(_ number: UInt64, multiple: Bool) { settle(number, multiple, as: .confirmed) }

  /// Notes in the same way that copies are in no queue.
  mutating func refuse(_ number: UInt64, multiple: Bool) { settle(number, multiple, as: .refused) }

  private mutating func settle(_ number: UInt64, _ isMultiple: Bool, as state: State) {
    guard number >= firstNumber, number - firstNumber < UInt64(transfers.count) else { return }
    let last = transfers.startIndex + Int(number - firstNumber)
    for index in (isMultiple ? transfers.startIndex : last)...last where transfers[index].state == .open {
      transfers[index].state = state
      openCount -= 1
    }
  }

  /// Removes the messages at the beginning whose outcome is known, up to a delivery tag.
  /// - Returns: The delivery tags to acknowledge.
  mutating func takeSettled(upTo last: UInt64) -> [UInt64] {
    let settled = transfers.prefix { $0.state != .open && $0.tag <= last }
    transfers.removeFirst(settled.count)
    firstNumber += UInt64(settled.count)
    if transfers.isEmpty { transfers = [] }
    stayingTags += settled.filter { $0.state == .refused }.map(\.tag)
    return settled.filter { $0.state == .confirmed }.map(\.tag)
  }

  /// Removes all messages, because no more outcomes will become known.
  /// - Returns: The delivery tags to acknowledge, and those to requeue.
  mutating func takeAll() -> (confirmed: [UInt64], staying: [UInt64]) {
    defer { (transfers, stayingTags, openCount) = ([], [], 0) }
    return (
      transfers.filter { $0.state == .confirmed }.map(\.tag),
      stayingTags + transfers.filter { $0.state != .confirmed }.map(\.tag)
    )
  }
}
