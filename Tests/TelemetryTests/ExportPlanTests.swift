import Testing

@testable import Telemetry

@Suite struct ExportPlanTests {
  private let start = ContinuousClock.now
  private var plan = ExportPlan(delay: .seconds(5))

  private func span(_ number: Int = 0) -> Span {
    let context = SpanContext(traceID: .init(high: 1, low: 1), spanID: UInt64(number + 1), isSampled: true)
    return Span("s", context, parentID: nil, traceState: nil, start: 0, end: 0, [], failure: nil)
  }

  private mutating func add(_ count: Int) { for number in 0..<count { plan.add(span(number), now: start) } }

  private mutating func fail(at time: Duration, _ answer: ExportAnswer = .unavailable(reason: "busy")) {
    plan.answered(answer, now: start + time, jitter: 0.5)
  }

  @Test("A span waits for others, and a full request does not") mutating func delay() {
    #expect(plan.due == nil && plan.next(now: start) == nil)
    add(1)
    plan.add(span(1), now: start + .seconds(3))
    #expect(plan.due == start + .seconds(5))
    #expect(plan.next(now: start + .seconds(4)) == nil)
    #expect(plan.next(now: start + .seconds(5))?.count == 2)
    #expect(plan.next(now: start + .seconds(50)) == nil)
    plan.answered(.accepted, now: start + .seconds(6), jitter: 0)
    add(700)
    #expect(plan.next(now: start)?.count == 512)
    plan.answered(.accepted, now: start, jitter: 0)
    #expect(plan.next(now: start) == nil)
    #expect(plan.next(now: start + .seconds(5))?.count == 188)
    #expect(plan.loss.count == 0)
  }

  @Test("What was not taken is sent again after pauses that grow, and others wait for it") mutating func repetition() {
    add(1)
    var time = Duration.seconds(5)
    for pause in [100, 200, 400, 800] {
      #expect(plan.next(now: start + time)?.map(\.context.spanID) == [1])
      add(600)
      fail(at: time)
      #expect(plan.due == start + time + .milliseconds(pause))
      #expect(plan.next(now: start + time) == nil)
      time += .milliseconds(pause)
    }
    #expect(plan.next(now: start + time)?.map(\.context.spanID) == [1])
    plan.answered(.accepted, now: start + time, jitter: 0)
    #expect(plan.next(now: start + time)?.count == 512)
    // 4 times 600 were added, and 2048 may wait.
    #expect(plan.loss == ExportPlan.Loss(count: 352, reason: "more than 2048 wait"))
  }

  @Test(
    "The spans of a request are given up after ten failures, at the end after three",
    arguments: [(false, 10), (true, 3)])
  mutating func failures(isEnding: Bool, count: Int) {
    add(3)
    if isEnding { plan.end() }
    var time = Duration.seconds(5)
    for _ in 0..<count {
      #expect(plan.next(now: start + time)?.count == 3)
      fail(at: time)
      time += .seconds(120)
    }
    #expect(plan.next(now: start + time) == nil)
    #expect(plan.loss == ExportPlan.Loss(count: 3, reason: "busy") && plan.isDone == isEnding)
  }

  @Test("What a collector refuses is not sent again") mutating func refusal() {
    add(2)
    _ = plan.next(now: start + .seconds(5))
    fail(at: .seconds(5), .refused(reason: "it answers 500"))
    #expect(plan.due == nil && plan.loss == ExportPlan.Loss(count: 2, reason: "it answers 500"))
    add(2)
    _ = plan.next(now: start + .seconds(20))
    fail(at: .seconds(20), .partlyAccepted(rejected: 1, reason: "old"))
    #expect(plan.due == nil && plan.loss == ExportPlan.Loss(count: 3, reason: "old"))
  }

  @Test("At the end nothing waits, and what is left is given up") mutating func end() {
    plan.end()
    #expect(plan.isDone)
    add(600)
    #expect(plan.next(now: start)?.count == 512 && !plan.isDone)
    plan.answered(.accepted, now: start, jitter: 0)
    #expect(plan.next(now: start)?.count == 88)
    plan.giveUp(reason: "late")
    #expect(plan.isDone && plan.loss == ExportPlan.Loss(count: 88, reason: "late"))
    plan.giveUp(reason: "later")
    #expect(plan.loss.reason == "late")
  }
}
