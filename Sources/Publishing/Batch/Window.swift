internal import AMQP

/// The items whose outcome is open, in order. Those that were sent on this connection come first; those that are still
/// to be sent follow. After the loss of a connection all of them are sent again on the next one.
struct Window {
  struct Entry {
    var item: Item
    /// Whether the broker has returned the item. Its confirmation still follows.
    var isReturned = false
    /// Whether the item was sent on a connection that was lost before the confirmation.
    var isResent = false
    /// Whether the item is confirmed. An item before it is not.
    var isSettled = false
  }

  /// The items that one confirmation settles. Refused items are listed by number.
  struct Settlement {
    var confirmedCount = 0
    var unroutable: [Int] = []
    var rejected: [Int] = []
  }

  private var entries: ArraySlice<Entry> = []
  /// The delivery tag of the first entry on this connection.
  private var firstTag: UInt64 = 1
  private var sentCount = 0
  private var settledCount = 0
  /// The memory that the items take, in bytes.
  private(set) var byteCount = 0
  /// The number of items whose body is an open file.
  private(set) var fileCount = 0

  var count: Int { entries.count - settledCount }
  var isEmpty: Bool { entries.isEmpty }
  var firstOpenNumber: Int? { entries.first?.item.number }
  var hasUnsent: Bool { sentCount < entries.count }
  /// Whether any item that was sent on this connection is not settled.
  var hasSent: Bool { sentCount > settledCount }
  /// The numbers of the unsettled items that some broker has been sent.
  var doubtfulNumbers: [Int] {
    entries.enumerated().filter { !$1.isSettled && ($0 < sentCount || $1.isResent) }.map(\.element.item.number)
  }

  mutating func append(_ item: Item) {
    entries.append(Entry(item: item))
    byteCount += item.sizeInMemory
    fileCount += item.body.isOpenFile ? 1 : 0
  }

  /// Frees what the item holds. The storage of the slice may keep the entry itself for longer.
  private mutating func release(_ index: Int) {
    byteCount -= entries[index].item.sizeInMemory
    fileCount -= entries[index].item.body.isOpenFile ? 1 : 0
    (entries[index].item.body, entries[index].item.properties) = (.memory([]), nil)
  }

  /// Returns the next item to send, and counts it as sent.
  mutating func nextToSend() -> Item? {
    guard sentCount < entries.count else { return nil }
    defer { sentCount += 1 }
    return entries[entries.startIndex + sentCount].item
  }

  /// Removes an item that could not be sent. The items after it count as not sent.
  mutating func removeUnsendable(_ number: Int) {
    guard let index = entries.firstIndex(where: { $0.item.number == number }) else { return }
    sentCount = min(sentCount, index - entries.startIndex)
    release(index)
    entries.remove(at: index)
  }

  /// Removes the items that no broker has been sent.
  mutating func removeUnsent() {
    for index in entries.indices.dropFirst(sentCount).reversed() where !entries[index].isResent {
      release(index)
      entries.remove(at: index)
    }
  }

  /// The number of the item because of which the broker closed the channel, if the reason identifies it. The broker has
  /// not looked at the items after it. If the item is too large, only the text of the reason tells its size.
  func refusedNumber(_ reason: CloseReason) -> Int? {
    let open = entries.prefix(sentCount).filter { !$0.isSettled }.map(\.item)
    if reason.isMessageTooLarge {
      return (open.first { reason.says(" \($0.body.size) ") } ?? (open.count == 1 ? open.first : nil))?.number
    }
    let isRefusal = [.notFound, .accessRefused, .preconditionFailed].contains(reason.code)
    return isRefusal && open.count == 1 ? open[0].number : nil
  }

  /// Removes the item with this number and all items after it.
  mutating func remove(from number: Int) {
    guard let first = entries.firstIndex(where: { $0.item.number == number }) else { return }
    for index in entries.indices[first...] where !entries[index].isSettled { release(index) }
    settledCount -= entries[first...].count { $0.isSettled }
    sentCount = min(sentCount, first - entries.startIndex)
    entries.removeSubrange(first...)
  }

  /// Prepares for a new connection, on which all unsettled items are sent again.
  /// - Returns: The number of items that the broker may already have, and how many of these are sent again for the
  ///   first time.
  mutating func restart() -> (resent: Int, firstTime: Int) {
    let sent = entries.prefix(sentCount).indices.filter { !entries[$0].isSettled }
    let firstTime = sent.count { !entries[$0].isResent }
    for index in sent { entries[index].isResent = true }
    entries.removeAll { $0.isSettled }
    for index in entries.indices { entries[index].isReturned = false }
    (firstTag, sentCount, settledCount) = (1, 0, 0)
    return (sent.count, firstTime)
  }

  /// Marks an item as returned. Returns arrive in the order of publishing, and before the confirmation. If the messages
  /// have no ids, the first message that fits is taken for the returned one.
  mutating func returned(messageID: ByteString?) {
    let sent = entries.prefix(sentCount)
    let index = sent.firstIndex {
      !$0.isReturned && !$0.isSettled && $0.item.messageID == messageID
    }
    if let index { entries[index].isReturned = true }
  }

  /// Settles the item with this delivery tag or, with `multiple`, all items up to it. A tag that was never sent has no
  /// effect.
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
