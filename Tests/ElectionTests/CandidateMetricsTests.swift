import AMQP
import Linux
import Telemetry
import Testing

@testable import Election

@Suite struct CandidateMetricsTests {
  private static func lines(_ driver: CandidateDriver, joinCount: Int, after time: Duration = .zero) -> [Substring] {
    var metrics = CandidateMetrics(Label("election", "planner"), ProcessMetrics(version: "1"))
    let now = driver.instant(time)
    metrics.turned(driver.candidate, joinCount: joinCount, at: now)
    return Exposition(metrics.families(at: now), as: .openMetrics).text.split(separator: "\n")
  }

  @Test("A leader says so until its lease may be over") func leading() {
    var driver = CandidateDriver()
    driver.lead()
    let lines = Self.lines(driver, joinCount: 1)
    #expect(lines.contains("amqp_job_leader{election=\"planner\"} 1.0"))
    #expect(lines.contains("amqp_job_leader_epoch{election=\"planner\"} 8.0"))
    #expect(lines.contains("amqp_job_broker_connected 1.0"))
    let leaseEnd: Duration = .seconds(16)
    #expect(Self.lines(driver, joinCount: 1, after: leaseEnd).contains("amqp_job_leader{election=\"planner\"} 0.0"))
  }

  @Test("A candidate without a connection is not ready, and knows no epoch") func parted() {
    var driver = CandidateDriver()
    driver.handle(.joined(replyTo: "answers"))
    driver.handle(.parted)
    let lines = Self.lines(driver, joinCount: 3)
    #expect(lines.contains("amqp_job_leader{election=\"planner\"} 0.0"))
    #expect(!lines.contains { $0.hasPrefix("amqp_job_leader_epoch{") })
    #expect(lines.contains("amqp_job_broker_connected 0.0"))
    #expect(lines.contains("amqp_job_broker_reconnections_total 2"))
    var metrics = CandidateMetrics(Label("election", "planner"), ProcessMetrics(version: "1"))
    metrics.turned(driver.candidate, joinCount: 3, at: .now)
    #expect(metrics.vitals.unreadyReason(at: .now) == "this candidate has no connection to the broker")
    #expect(metrics.vitals.unhealthyReason(at: .now) == nil)
  }
}
