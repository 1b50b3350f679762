/// Where the results of workers go: what they write to their standard output.
package struct ResultOptions: Hashable, Sendable {
  package enum Target: Hashable, Sendable {
    case queue(String)
    /// The queue that the item names in its `reply_to`. An item without one has no result.
    case replyTo
  }

  /// Which workers' results are published.
  package enum Occasion: String, Hashable, Sendable, CaseIterable {
    case success
    case failure
    case all
  }

  package var target: Target
  package var occasion: Occasion
  /// The size in bytes above which a result is not published, and the attempt has failed.
  package var maxSize: UInt64

  package init(_ target: Target, on occasion: Occasion, maxSize: UInt64) {
    (self.target, self.occasion, self.maxSize) = (target, occasion, maxSize)
  }
}
