internal import AMQP

/// Items that were published and are not in the ledger yet. A crash may make all of them be published once more, so there are few.
struct Batch: Sendable {
  static let maxCount = 256
  private static let maxSize: UInt64 = 4 << 20
  /// An item above this size is a batch by itself: if the broker finds it too large, it closes the channel, and what becomes of the
  /// other items on the channel would not be known.
  private static let maxSharedSize: UInt64 = 512 << 10
  /// After this time, what there is of the batch goes into the ledger.
  private static let period: Duration = .seconds(1)

  private let limit: Int
  private(set) var confirmed: [ByteString] = []
  private(set) var openCount = 0
  private var count = 0
  private var size: UInt64 = 0
  private(set) var deadline: ContinuousClock.Instant?
  private(set) var isClosed = false

  /// `limit` is the maximum number of items.
  init(limit: Int = Batch.maxCount) { self.limit = limit }

  var isEmpty: Bool { count == 0 }

  func hasRoom(for size: UInt64) -> Bool {
    isEmpty || (!isClosed && size <= Self.maxSharedSize && self.size + size <= Self.maxSize)
  }

  mutating func published(size: UInt64, now: ContinuousClock.Instant) {
    (count, openCount, self.size) = (count + 1, openCount + 1, self.size + size)
    deadline = deadline ?? now + Self.period
    if count == limit || size > Self.maxSharedSize { close() }
  }

  mutating func settled(_ name: ByteString, isConfirmed: Bool) {
    openCount -= 1
    if isConfirmed { confirmed.append(name) }
  }

  mutating func withdraw() { openCount -= 1 }

  /// No item is added any more.
  mutating func close() { (isClosed, deadline) = (true, nil) }
}
