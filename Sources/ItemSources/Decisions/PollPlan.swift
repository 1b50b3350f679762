internal import AMQP

/// What a list asks for, compared with the ledger.
struct PollPlan: Hashable, Sendable {
  /// The names to publish, in the order of the list.
  var added: [ByteString]
  /// The names that have left the list.
  var removed: [ByteString]

  /// Names that are `late` come last, so that they do not hold the others up. Those that are `refused` are not published.
  init(_ list: [ByteString], published: Set<ByteString>, late: Set<ByteString>, refused: Set<ByteString>) {
    var seen: Set<ByteString> = []
    seen.reserveCapacity(list.count)
    added = list.filter { seen.insert($0).inserted && !published.contains($0) && !refused.contains($0) }
    removed = published.filter { !seen.contains($0) }
    guard !late.isEmpty else { return }
    added = added.filter { !late.contains($0) } + added.filter { late.contains($0) }
  }
}
