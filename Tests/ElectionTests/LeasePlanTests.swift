import Testing

@testable import Election

/// When a leader has to do what.
@Suite struct LeasePlanTests {
  private func times(lease: Duration, grace: Duration) -> [Duration] {
    let plan = LeasePlan(lease: lease, grace: grace)
    let sentAt = ContinuousClock.now
    return [sentAt + plan.period, plan.stop(sentAt), plan.kill(sentAt), plan.end(sentAt)].map {
      sentAt.duration(to: $0)
    }
  }

  @Test("The work is stopped, and then killed, before the lease ends") func order() {
    #expect(times(lease: .seconds(15), grace: .seconds(5)) == [.seconds(5), .seconds(9), .seconds(14), .seconds(15)])
    #expect(
      times(lease: .seconds(3), grace: .seconds(1))
        == [.seconds(1), .milliseconds(1800), .milliseconds(2800), .seconds(3)])
  }

  @Test("A renewal has time to be proven, even with the longest grace")
  func longestGrace() {
    for lease in [LeasePlan.shortestLease, .seconds(15), LeasePlan.longestLease] {
      let times = times(lease: lease, grace: LeasePlan.longestGrace(lease))
      #expect(times == times.sorted() && times[1] - times[0] >= lease / 20)
    }
  }
}
