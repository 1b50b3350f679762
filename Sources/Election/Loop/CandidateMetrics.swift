package import Telemetry

/// What a candidate tells of itself in numbers.
package struct CandidateMetrics: Measured {
  private let labels: [Label]
  private var process: ProcessMetrics
  private var standing = Standing.unknown(.notJoined)
  private var turnedAt = ContinuousClock.now

  /// `label` says which election it is.
  package init(_ label: Label, _ process: ProcessMetrics) { (labels, self.process) = ([label], process) }

  mutating func turned(_ candidate: Candidate, joinCount: Int, at now: ContinuousClock.Instant) {
    (standing, turnedAt) = (candidate.standing, now)
    (process.isConnected, process.loginCount) = (candidate.membership != nil, UInt64(joinCount))
  }

  package var vitals: Vitals {
    Vitals(turnedAt: turnedAt, obstacle: process.isConnected ? nil : Standing.Reason.notJoined.rawValue)
  }

  package func families(at now: ContinuousClock.Instant) -> [MetricFamily] {
    var isLeader = false
    var epochs: [Labelled<Double>] = []
    if case .leader(let leader, let isSelf, _) = standing.at(now) {
      isLeader = isSelf
      epochs = [Labelled(Double(leader.epoch), labels)]
    }
    return [
      MetricFamily(
        "amqp_job_leader", "Whether this candidate leads: 1, or else 0.",
        .gauges([Labelled(isLeader ? 1 : 0, labels)])),
      MetricFamily("amqp_job_leader_epoch", "The number of the leadership, if a leader is known.", .gauges(epochs)),
    ] + process.families
  }
}
