internal import AMQP

/// The items whose fate is open, in order: those that the broker has been sent, and behind them those that it is to be
/// sent. It sends them all again on another connection.
struct Window {
  struct Entry {
    var item: Item
    /// The broker has said that it is in no queue; its confirmation still follows.
    var isReturned = false
    /// It went out on a connection that was lost before its confirmation.
    var isResent = false
    /// Confirmed, while one before it is not.
    var isSettled = false
  }

  /// What the broker has said of items, by their numbers.
  struct Settlement {
    var confirmedCount = 0
    var unroutable: [Int] = []
    var rejected: [Int] = []
  }

  private var entries: ArraySlice<Entry> = []
  /// Of the first entry on this connection, if it has been sent.
  private var firstTag: UInt64 = 1
  private var sentCount = 0
  private var settledCount = 0
  /// How much it takes to keep them, in bytes.
  private(set) var byteCount = 0
  /// Of those whose bodies are in files that are open.
  private(set) var fileCount = 0

  var count: Int { entries.count - settledCount }
  var isEmpty: Bool { entries.isEmpty }
  var firstOpenNumber: Int? { entries.first?.item.number }
  var hasUnsent: Bool { sentCount < entries.count }
  /// Something was sent on this connection, and is not settled.
  var hasSent: Bool { sentCount > settledCount }
  /// Of what some broker has been sent, and not settled.
  var doubtfulNumbers: [Int] {
    entries.enumerated().filter { !$1.isSettled && ($0 < sentCount || $1.isResent) }.map(\.element.item.number)
  }

  mutating func append(_ item: Item) {
    entries.append(Entry(item: item))
    byteCount += item.sizeInMemory
    fileCount += item.body.isOpenFile ? 1 : 0
  }

  /// The item is not needed any more. Its entry may outlive it, at the beginning of the slice's storage.
  private mutating func release(_ index: Int) {
    byteCount -= entries[index].item.sizeInMemory
    fileCount -= entries[index].item.body.isOpenFile ? 1 : 0
    (entries[index].item.body, entries[index].item.properties) = (.memory([]), nil)
  }

  /// The next one to be sent, which is sent with that.
  mutating func nextToSend() -> Item? {
    guard sentCount < entries.count else { return nil }
    defer { sentCount += 1 }
    return entries[entries.startIndex + sentCount].item
  }

  /// Takes back the latest `nextToSend`, which could not be sent.
  mutating func removeLastSent() {
    sentCount -= 1
    release(entries.startIndex + sentCount)
    entries.remove(at: entries.startIndex + sentCount)
  }

  /// What no broker has been sent never will be.
  mutating func removeUnsent() {
    for index in entries.indices.dropFirst(sentCount).reversed() where !entries[index].isResent {
      release(index)
      entries.remove(at: index)
    }
  }

  /// The item that the broker closed the channel over, if the reason tells; what is behind it on the channel has not been
  /// looked at. Of a size the text alone says which item has it.
  func refusedNumber(_ reason: CloseReason) -> Int? {
    let open = entries.prefix(sentCount).filter { !$0.isSettled }.map(\.item)
    if reason.isMessageTooLarge {
      return (open.first { reason.text.contains(" \($0.body.size) ") } ?? (open.count == 1 ? open.first : nil))?.number
    }
    let isRefusal = [.notFound, .accessRefused, .preconditionFailed].contains(reason.code)
    return isRefusal && open.count == 1 ? open[0].number : nil
  }

  /// Leaves out the item of that number, and all that are behind it.
  mutating func remove(from number: Int) {
    guard let first = entries.firstIndex(where: { $0.item.number == number }) else { return }
    for index in entries.indices[first...] where !entries[index].isSettled { release(index) }
    settledCount -= entries[first...].count { $0.isSettled }
    sentCount = min(sentCount, first - entries.startIndex)
    entries.removeSubrange(first...)
  }

  /// Everything is to be sent again, but what was confirmed.
  /// - Returns: how many of them the broker may have already, and how many of these are so for the first time.
  mutating func restart() -> (resent: Int, firstTime: Int) {
    let sent = entries.prefix(sentCount).indices.filter { !entries[$0].isSettled }
    let firstTime = sent.count { !entries[$0].isResent }
    for index in sent { entries[index].isResent = true }
    entries.removeAll { $0.isSettled }
    for index in entries.indices { entries[index].isReturned = false }
    (firstTag, sentCount, settledCount) = (1, 0, 0)
    return (sent.count, firstTime)
  }

  /// Returns come in the order of publishing, and before the confirmation. Who put no id into his messages cannot
  /// tell which of them it is: then it is the first that it may be.
  mutating func returned(messageID: ByteString?) {
    let sent = entries.prefix(sentCount)
    let index = sent.firstIndex {
      !$0.isReturned && !$0.isSettled && $0.item.messageID == messageID
    }
    if let index { entries[index].isReturned = true }
  }

  /// The broker has confirmed (or, with `isRejection`, refused) a message, or all up to it. A number of one that was not sent says nothing.
  mutating func settle(_ tag: UInt64, multiple: Bool, isRejection: Bool) -> Settlement {
    var settlement = Settlement()
    guard tag >= firstTag, tag - firstTag < sentCount else { return settlement }
    let last = entries.startIndex + Int(tag - firstTag)
    for index in (multiple ? entries.startIndex : last)...last where !entries[index].isSettled {
      entries[index].isSettled = true
      settledCount += 1
      release(index)
      let number = entries[index].item.number
      if entries[index].isReturned {
        settlement.unroutable.append(number)
      } else if isRejection {
        settlement.rejected.append(number)
      } else {
        settlement.confirmedCount += 1
      }
    }
    let done = entries.prefix { $0.isSettled }.count
    entries.removeFirst(done)
    firstTag += UInt64(done)
    sentCount -= done
    settledCount -= done
    return settlement
  }
}
