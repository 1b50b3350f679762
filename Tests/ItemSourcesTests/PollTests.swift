import AMQP
import Testing

@testable import ItemSources

@Suite struct PollTests {
  private let now = ContinuousClock.now

  private func poll(_ added: [ByteString], removed: [ByteString] = [], isLast: Bool = false) -> Poll {
    var plan = PollPlan(added, published: [], late: [], refused: [])
    plan.removed = removed
    return Poll(plan, startedAt: now, isLast: isLast)
  }

  /// Runs until the poll waits or ends, with every item as `item` says. Returns what was published and recorded.
  private func run(_ poll: inout Poll, _ item: (ByteString) -> FetchedItem) -> [String] {
    var log: [String] = []
    while true {
      switch poll.next(now: now) {
      case .wait: return log + ["wait"]
      case .fetch(let name): poll.fetched(name, item(name))
      case .publish(let name, _):
        log.append("publish \(name)")
        poll.settled(name, isConfirmed: true)
      case .record(let added, let removed):
        log.append("record \(added) \(removed)")
        poll.recorded()
      case .end: return log
      }
    }
  }

  private func body(_ name: ByteString) -> FetchedItem { .body(.memory(name.bytes)) }

  @Test func planOfAList() {
    let plan = PollPlan(["a", "b", "c", "b", "d"], published: ["a", "x"], late: ["b"], refused: ["d"])
    #expect(plan.added == ["c", "b"])
    #expect(plan.removed == ["x"])
  }

  @Test func namesThatHaveLeftAreRecordedFirst() {
    var poll = poll(["a"], removed: ["x"])
    #expect(run(&poll, body) == ["record [] [x]", "publish a", "record [a] []"])
    #expect((poll.addedCount, poll.removedCount) == (1, 1))
  }

  @Test func whatCannotBeReadIsLeftOut() {
    var poll = poll(["a", "b", "c", "d"])
    let log = run(&poll) { name in
      switch name {
      case "a": .gone
      case "b": .unreadable("no")
      case "c": .growing
      default: body(name)
      }
    }
    #expect(log == ["publish d", "record [d] []"])
    #expect(poll.failures == [.init(name: "b", reason: "no")])
    #expect(poll.growingCount == 1 && poll.sourceFailure == nil)
  }

  @Test func manyFailuresInARowEndThePoll() {
    var poll = poll((0..<100).map { ByteString("\($0)") })
    #expect(run(&poll) { _ in .unreadable("no") } == [])
    #expect(poll.failures.count == Poll.maxFailuresInRow && poll.sourceFailure != nil)
  }

  @Test func theLastPollTriesAll() {
    var poll = poll((0..<100).map { ByteString("\($0)") }, isLast: true)
    #expect(run(&poll) { $0 == "99" ? body($0) : .unreadable("no") } == ["publish 99", "record [99] []"])
    #expect(poll.failures.count == 99 && poll.sourceFailure == nil)
  }

  @Test func aSourceThatFailsEndsThePollAndLosesNothing() {
    var poll = poll(["a", "b", "c"])
    #expect(run(&poll) { $0 == "b" ? .failed("down") : body($0) } == ["publish a", "record [a] []"])
    #expect(poll.sourceFailure == "down")
  }

  @Test func aBatchHasALimit() {
    var poll = poll((0..<600).map { ByteString("\($0)") })
    let records = run(&poll, body).filter { $0.hasPrefix("record") }
    #expect(records.count == 3)
  }

  @Test func aLargeItemIsABatchOfItsOwn() {
    var poll = poll(["a", "large", "b"])
    let log = run(&poll) { $0 == "large" ? .body(.memory([UInt8](repeating: 0, count: 1 << 20))) : body($0) }
    #expect(log == ["publish a", "record [a] []", "publish large", "record [large] []", "publish b", "record [b] []"])
  }

  @Test func aSlowSourceDoesNotKeepABatchOpen() {
    var poll = poll(["a", "b"])
    guard case .fetch("a") = poll.next(now: now) else { return #expect(Bool(false)) }
    poll.fetched("a", body("a"))
    guard case .publish = poll.next(now: now) else { return #expect(Bool(false)) }
    poll.settled("a", isConfirmed: true)
    guard case .fetch("b") = poll.next(now: now) else { return #expect(Bool(false)) }
    guard case .wait = poll.next(now: now), let deadline = poll.deadline else { return #expect(Bool(false)) }
    guard case .record(["a"], []) = poll.next(now: deadline) else { return #expect(Bool(false)) }
    poll.fetched("b", body("b"))
    guard case .wait = poll.next(now: deadline) else { return #expect(Bool(false)) }
    poll.recorded()
    #expect(run(&poll, body) == ["publish b", "record [b] []"])
  }

  @Test func aRejectedItemEndsThePoll() {
    var poll = poll(["a", "b", "c"])
    _ = poll.next(now: now)
    poll.fetched("a", body("a"))
    _ = poll.next(now: now)
    poll.settled("a", isConfirmed: false)
    #expect(run(&poll, body) == [])
    #expect(poll.isRejected)
  }

  @Test func afterAStopWhatWasPublishedIsRecorded() {
    var poll = poll(["a", "b", "c"])
    _ = poll.next(now: now)
    poll.fetched("a", body("a"))
    _ = poll.next(now: now)
    poll.stop()
    guard case .wait = poll.next(now: now) else { return #expect(Bool(false)) }
    poll.settled("a", isConfirmed: true)
    #expect(run(&poll, body) == ["record [a] []"])
  }
}
