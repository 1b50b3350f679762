/// Keeps account of published messages until the broker has confirmed or refused each
/// (<https://www.rabbitmq.com/docs/confirms#publisher-confirms>).
public struct ConfirmWindow: Sendable {
  /// What became of a message that is in no queue.
  public enum Refusal: Hashable, Sendable {
    /// No queue is bound for it.
    case unroutable
    /// The broker could not take it: its queue is full, or in trouble.
    case rejected
  }

  private struct Entry {
    let messageID: String?
    var isReturned = false
  }

  /// In the order of publishing; delivery tags count up from 1.
  private var outstanding: ArraySlice<(tag: UInt64, entry: Entry)> = []
  private var lastTag: UInt64 = 0
  public private(set) var confirmedCount = 0
  /// By the message's number, 1 the first.
  public private(set) var refusals: [UInt64: Refusal] = [:]

  public init() {}

  public var outstandingCount: Int { outstanding.count }
  public var publishedCount: Int { Int(lastTag) }
  /// The numbers of the messages of which nothing is known.
  public var outstandingNumbers: [UInt64] { outstanding.map(\.tag) }

  public mutating func published(messageID: String?) {
    lastTag += 1
    outstanding.append((lastTag, Entry(messageID: messageID)))
  }

  /// The broker returned a message; its confirmation still follows. Returns come in the order of publishing.
  public mutating func returned(messageID: String?) {
    let index = outstanding.firstIndex { $0.entry.messageID == messageID && !$0.entry.isReturned }
    if let index { outstanding[index].entry.isReturned = true }
  }

  public mutating func confirmed(upTo tag: UInt64, multiple: Bool) {
    remove(tag, multiple: multiple) { $0.isReturned ? .unroutable : nil }
  }

  public mutating func rejected(upTo tag: UInt64, multiple: Bool) {
    remove(tag, multiple: multiple) { $0.isReturned ? .unroutable : .rejected }
  }

  private mutating func remove(
    _ tag: UInt64, multiple: Bool, refusal: (Entry) -> Refusal?
  ) {
    outstanding.removeAll { number, entry in
      guard multiple ? number <= tag : number == tag else { return false }
      if let refusal = refusal(entry) {
        refusals[number] = refusal
      } else {
        confirmedCount += 1
      }
      return true
    }
  }
}
