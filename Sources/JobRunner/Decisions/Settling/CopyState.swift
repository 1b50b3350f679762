/// Whether the broker takes copies, and how often they were in vain.
struct CopyState: Hashable, Sendable {
  /// How often in a row items may be lost whose copies were published. Each time may add one more copy.
  static let maxLosses = 3

  /// Why the broker takes no copies at present.
  private(set) var blockedReason: String?
  /// How often in a row a connection or channel was lost with items whose copies were published.
  private(set) var losses = 0

  var isBlocked: Bool { blockedReason != nil }

  mutating func blocked(_ reason: String?) { blockedReason = reason }

  /// An item has left its queue after its copy was published.
  mutating func settled() { losses = 0 }

  /// Returns whether no more items should be copied.
  mutating func lost() -> Bool {
    losses += 1
    return losses >= Self.maxLosses
  }
}
