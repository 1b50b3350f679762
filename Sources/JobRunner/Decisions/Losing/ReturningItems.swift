/// Items that were done while the broker was away. Each is acked when it comes back to this runner.
struct ReturningItems: Hashable, Sendable {
  private var done: [EndedJob] = []

  var isEmpty: Bool { done.isEmpty }
  var count: Int { done.count }

  mutating func add(_ ended: EndedJob) { done.append(ended) }

  /// The job that `item` is the return of, which is waited for no longer. nil for any other item.
  mutating func take(returned item: WorkItem) -> EndedJob? {
    done.firstIndex { item.isReturn(of: $0.item) }.map { done.remove(at: $0) }
  }

  /// No item is waited for any more. Returns those that were.
  mutating func giveUp() -> [EndedJob] {
    defer { done = [] }
    return done
  }
}
