import Testing

@testable import JobRunner

@Suite("What it costs to delete a runner's pod") struct DeletionCostTests {
  private let start = ContinuousClock.now
  private var cost: DeletionCost

  init() { cost = DeletionCost(now: start) }

  private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

  @Test("A runner that begins says that it is idle, as its container may have been started again")
  mutating func beginning() {
    #expect(cost.step(at: at(0)) == .tell(0))
    #expect(cost.step(at: at(0)) == .wait(until: nil))
    cost.answered(isTaken: true)
    #expect(cost.step(at: at(9)) == .wait(until: nil))
  }

  @Test("It tells at once that it is busy, and only after a while that it is idle") mutating func changes() {
    cost.observe(isBusy: true, at: at(0))
    #expect(cost.step(at: at(0)) == .tell(100))
    cost.answered(isTaken: true)
    cost.observe(isBusy: false, at: at(20))
    #expect(cost.step(at: at(20)) == .wait(until: at(25)))
    #expect(cost.step(at: at(25)) == .tell(0))
    cost.answered(isTaken: true)
    cost.observe(isBusy: true, at: at(40))
    #expect(cost.step(at: at(40)) == .tell(100))
  }

  @Test("Short items cause one request") mutating func shortItems() {
    cost.observe(isBusy: true, at: at(0))
    #expect(cost.step(at: at(0)) == .tell(100))
    cost.answered(isTaken: true)
    for second in 1..<60 {
      cost.observe(isBusy: second.isMultiple(of: 2), at: at(Double(second)))
      #expect(cost.step(at: at(Double(second))) != .tell(0))
    }
  }

  @Test("Requests are never closer together than their pace") mutating func pace() {
    #expect(cost.step(at: at(0)) == .tell(0))
    cost.answered(isTaken: true)
    cost.observe(isBusy: true, at: at(1))
    #expect(cost.step(at: at(1)) == .wait(until: at(5)))
    #expect(cost.step(at: at(5)) == .tell(100))
  }

  @Test("What changes during a request is told after it") mutating func duringRequest() {
    #expect(cost.step(at: at(0)) == .tell(0))
    cost.observe(isBusy: true, at: at(3))
    #expect(cost.step(at: at(8)) == .wait(until: nil))
    cost.answered(isTaken: true)
    #expect(cost.step(at: at(8)) == .tell(100))
  }

  @Test("A request that fails is repeated, more and more seldom") mutating func failures() {
    var now = 0.0
    for pause in [10.0, 20, 40, 60, 60] {
      #expect(cost.step(at: at(now)) == .tell(0))
      cost.answered(isTaken: false)
      #expect(cost.step(at: at(now)) == .wait(until: at(now + pause)))
      now += pause
    }
    #expect(cost.step(at: at(now)) == .tell(0))
    cost.answered(isTaken: true)
    cost.observe(isBusy: true, at: at(now + 5))
    #expect(cost.step(at: at(now + 5)) == .tell(100))
  }
}
