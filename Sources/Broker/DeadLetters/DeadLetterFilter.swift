package import AMQP

/// Selects dead letters. A letter must meet all conditions.
package struct DeadLetterFilter: Hashable, Sendable {
  /// The message ids to select. If there are none, every id matches.
  package var ids: Set<String> = []
  /// The positions to select in the queue, as the command finds it. If it is nil, every position matches.
  package var positions: Positions?
  package var reason: ReasonFilter?
  /// The latest time of dead-lettering, in seconds since 1970-01-01T00:00:00Z. A letter without a time does not match.
  package var latest: UInt64?
  /// The earliest time of dead-lettering, in the same way.
  package var earliest: UInt64?
  /// The headers that a letter must have, with their values as in a worker's environment.
  package var headers: [Header] = []

  package struct Header: Hashable, Sendable {
    package var name: ByteString
    package var value: ByteString

    package init(name: ByteString, value: ByteString) { (self.name, self.value) = (name, value) }
  }

  package init() {}

  /// Whether every letter matches.
  package var isEmpty: Bool { self == DeadLetterFilter() }

  /// `position` is the position of the message in its queue. The head has position 1.
  package func matches(_ properties: BasicProperties, at position: Int) -> Bool {
    guard positions?.contains(position) != false else { return false }
    guard ids.isEmpty || properties.messageID.map({ ids.contains($0.description) }) == true else { return false }
    guard reason != nil || latest != nil || earliest != nil || !headers.isEmpty else { return true }
    let letter = DeadLetter(headers: properties.headers)
    guard reason?.matches(letter) != false else { return false }
    if latest != nil || earliest != nil {
      guard let time = letter.time, time >= earliest ?? 0, time <= latest ?? .max else { return false }
    }
    return headers.allSatisfy { properties.headers?[$0.name]?.scalarBytes == $0.value.bytes }
  }
}
