package import AMQP

/// Which dead letters are meant: those for which everything holds that is asked for here.
package struct DeadLetterFilter: Hashable, Sendable {
  /// Empty for any.
  package var ids: Set<String> = []
  /// Where the letters are in their queue, as the command that asks finds it; nil for anywhere.
  package var positions: Positions?
  package var reason: String?
  /// Dead-lettered at this time or before, or after; in seconds since 1970-01-01T00:00:00Z. A letter without a time is neither.
  package var latest: UInt64?
  package var earliest: UInt64?
  /// Headers that are to be there, with the values as a worker sees them in its environment.
  package var headers: [Header] = []

  package struct Header: Hashable, Sendable {
    package var name: ByteString
    package var value: ByteString

    package init(name: ByteString, value: ByteString) { (self.name, self.value) = (name, value) }
  }

  package init() {}

  /// Whether every letter is meant.
  package var isEmpty: Bool { self == DeadLetterFilter() }

  /// `position` is the message's place in its queue, 1 the head.
  package func matches(_ properties: BasicProperties, at position: Int) -> Bool {
    guard positions?.contains(position) != false else { return false }
    guard ids.isEmpty || properties.messageID.map({ ids.contains($0.description) }) == true else { return false }
    guard reason != nil || latest != nil || earliest != nil || !headers.isEmpty else { return true }
    let letter = DeadLetter(headers: properties.headers)
    guard reason == nil || letter.reason == reason else { return false }
    if latest != nil || earliest != nil {
      guard let time = letter.time, time >= earliest ?? 0, time <= latest ?? .max else { return false }
    }
    return headers.allSatisfy { properties.headers?[$0.name]?.scalarBytes == $0.value.bytes }
  }
}
