/// The messages that are on their way from one queue into another, without any I/O: each has been taken, its copy has been published,
/// and it has not been acked. The copies are numbered from 1, in the order of publishing.
struct Transfers {
  private enum State {
    case open
    /// The copy is in the other queue.
    case confirmed
    /// It is not: the message stays where it is.
    case refused
  }

  private struct Transfer {
    /// The delivery tag of the message that was taken.
    let tag: UInt64
    var state = State.open
  }

  private var transfers: ArraySlice<Transfer> = []
  /// The number of the first copy of them.
  private var firstNumber: UInt64 = 1
  /// Of how many copies nothing is known.
  private(set) var openCount = 0
  /// The messages that were in the way of nobody's ack, and stay where they are.
  private var stayingTags: [UInt64] = []

  /// How many there are.
  var count: Int { transfers.count }
  /// How many copies may be in the other queue.
  var possibleCount: Int { transfers.count { $0.state != .refused } }
  /// A message before which no other stays can be acked with all before it.
  var hasRefusals: Bool { !stayingTags.isEmpty || transfers.contains { $0.state == .refused } }

  /// The copy of the message of that delivery tag is the next one.
  mutating func add(tag: UInt64) {
    transfers.append(Transfer(tag: tag))
    openCount += 1
  }

  /// The broker has taken the copy of that number or, with `multiple`, all up to it. A number of one that was not sent says nothing.
  mutating func confirm(_ number: UInt64, multiple: Bool) { settle(number, multiple, as: .confirmed) }

  /// The broker has not taken these.
  mutating func refuse(_ number: UInt64, multiple: Bool) { settle(number, multiple, as: .refused) }

  private mutating func settle(_ number: UInt64, _ isMultiple: Bool, as state: State) {
    guard number >= firstNumber, number - firstNumber < UInt64(transfers.count) else { return }
    let last = transfers.startIndex + Int(number - firstNumber)
    for index in (isMultiple ? transfers.startIndex : last)...last where transfers[index].state == .open {
      transfers[index].state = state
      openCount -= 1
    }
  }

  /// Takes out those at the beginning of which all is known, up to that delivery tag.
  /// - Returns: the tags that are to be acked
  mutating func takeSettled(upTo last: UInt64) -> [UInt64] {
    let settled = transfers.prefix { $0.state != .open && $0.tag <= last }
    transfers.removeFirst(settled.count)
    firstNumber += UInt64(settled.count)
    if transfers.isEmpty { transfers = [] }
    stayingTags += settled.filter { $0.state == .refused }.map(\.tag)
    return settled.filter { $0.state == .confirmed }.map(\.tag)
  }

  /// Takes out all, since nothing more will be known.
  /// - Returns: the tags that are to be acked, and those that are to be given back
  mutating func takeAll() -> (confirmed: [UInt64], staying: [UInt64]) {
    defer { (transfers, stayingTags, openCount) = ([], [], 0) }
    return (
      transfers.filter { $0.state == .confirmed }.map(\.tag),
      stayingTags + transfers.filter { $0.state != .confirmed }.map(\.tag)
    )
  }
}
