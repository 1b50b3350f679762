import AMQP
import Console
import Linux

@testable import Election

/// A candidate's process, with a clock of its own and a command.
struct SimulatedCandidate {
  /// The command of a leader. Its guardian ends it at the limit.
  struct Work {
    let epoch: Int64
    let start: Duration
    /// By the candidate's own clock.
    var limit: ContinuousClock.Instant
    let number: Int
  }

  private static let clockStart = ContinuousClock.now

  var candidate: Candidate
  /// How fast its clock runs, and how much it is ahead.
  let rate: Double
  let offset: Duration
  var session: Int?
  /// A frozen process gets nothing.
  var isFrozen = false
  var inbox: [Simulation.ToClient] = []
  var work: Work?
  /// When it wants to be called next.
  var due: Duration?

  init(_ number: Int, plan: LeasePlan, rate: Double, offset: Duration) {
    candidate = Candidate(identity: ByteString("c\(number)"), name: ByteString("pod-\(number)"), plan: plan)
    (self.rate, self.offset) = (rate, offset)
  }

  /// Its clock, at a time of the simulation.
  func clock(_ time: Duration) -> ContinuousClock.Instant { Self.clockStart + offset + time * rate }

  /// The time of the simulation at which its clock shows this.
  func time(_ instant: ContinuousClock.Instant) -> Duration {
    (Self.clockStart + offset).duration(to: instant) / rate
  }
}
