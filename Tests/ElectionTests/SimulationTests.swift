import Glibc
import Testing

@testable import Election

/// What holds for any order of events, and for clocks that differ.
@Suite struct SimulationTests {
  /// Describes what must not have happened.
  private func violations(_ simulation: Simulation) -> [String] {
    let works = simulation.witnessed.sorted { $0.start < $1.start }
    return zip(works, works.dropFirst()).compactMap { former, latter in
      if latter.start < former.end { return "epochs \(former.epoch) and \(latter.epoch) at once, at \(latter.start)" }
      return latter.epoch <= former.epoch ? "epoch \(latter.epoch) after \(former.epoch)" : nil
    }
  }

  private func simulate(seed: UInt64, _ faults: Simulation.Faults) -> Simulation {
    let simulation = Simulation(seed: seed, candidates: 1 + Int(seed % 5), faults)
    simulation.run(until: .seconds(600))
    return simulation
  }

  /// ELECTION_SIMULATIONS is for more of them.
  private static let runs = getenv("ELECTION_SIMULATIONS").flatMap { Int(String(cString: $0)) } ?? 60
  private static let faults = Simulation.Faults(period: .seconds(8))

  @Test("No two candidates lead at once, and epochs grow, whatever happens when")
  func neverTwoLeaders() {
    var works = 0
    for _ in 0..<Self.runs {
      let seed = UInt64.random(in: 0...UInt64(UInt32.max))
      let simulation = simulate(seed: seed, Self.faults)
      works += simulation.witnessed.count
      #expect(violations(simulation) == [], "seed \(seed)")
    }
    #expect(works > 5 * Self.runs)
  }

  @Test("The witness notices candidates that ignore the lease")
  func witness() {
    var faults = Self.faults
    faults.ignoresLease = true
    #expect((0..<100).contains { seed in violations(simulate(seed: seed, faults)).contains { $0.contains("at once") } })
  }

  @Test("Without faults, one candidate leads all the time after the first lease")
  func steady() throws {
    for seed: UInt64 in 0..<20 {
      let simulation = simulate(seed: seed, .init())
      let work = try #require(simulation.witnessed.first)
      #expect(simulation.witnessed.count == 1 && work.epoch == 1 && work.start < .seconds(22))
    }
  }

  @Test("A successor begins within the lease and two seconds after a crash, and within a second of a clean end")
  func succession() throws {
    for seed: UInt64 in 0..<10 {
      for (change, limit) in [(Simulation.crash, Duration.seconds(22)), (Simulation.terminate, .seconds(3))] {
        let simulation = Simulation(seed: seed, candidates: 3, .init())
        simulation.advance(to: .seconds(60))
        change(simulation)(try #require(simulation.leader))
        simulation.run(until: .seconds(120))
        let works = simulation.witnessed.sorted { $0.start < $1.start }
        try #require(works.count == 2)
        #expect(works[1].start < .seconds(60) + limit, "seed \(seed)")
      }
    }
  }
}
