import AMQP
import TestSupport
import Testing

@testable import ItemSources

@Suite struct SimulationTests {
  private func names(_ range: some Sequence<Int>) -> [ByteString] { range.map { ByteString("item-\($0)") } }

  /// What must hold once all is quiet.
  private func check(_ simulation: Simulation, since names: [ByteString]) {
    for name in names { #expect((simulation.broker.copies[name] ?? 0) >= 1, "\(name) is lost") }
    for (name, count) in simulation.broker.copies {
      let explained = (simulation.account.appearances[name] ?? 0) + (simulation.account.allowance[name] ?? 0)
      #expect(count <= explained, "\(name) is there \(count) times")
    }
    #expect(simulation.account.allowance.values.reduce(0, +) <= simulation.faultCount * Batch.maxCount)
    #expect(simulation.ends.isEmpty)
  }

  @Test func withoutAFaultEachNameIsPublishedOnce() {
    var simulation = Simulation(seed: 1, names: names(0..<1000))
    simulation.runUntilPolled(2)
    check(simulation, since: simulation.names)
    let sent = simulation.publishCount
    simulation.runUntilPolled(5)
    #expect(simulation.publishCount == sent)
    #expect(simulation.broker.itemCount == 1000)
  }

  /// A crash at each single step of the first poll and of what follows.
  @Test func aCrashAtEachMoment() {
    var step = 0
    while true {
      var simulation = Simulation(seed: UInt64(step), names: names(0..<20))
      for _ in 0..<step where !simulation.step() { simulation.wait() }
      let isOver = simulation.pollCount > 2
      simulation.kill()
      simulation.runUntilPolled(2)
      check(simulation, since: simulation.names)
      #expect(simulation.broker.recordCount <= 5)
      if isOver { return }
      step += 1
    }
  }

  /// A crash at each single step at which the ledger is written anew: while a publisher works, and when it starts.
  @Test(arguments: [false, true]) func aCrashAtEachMomentOfASnapshot(isAtStart: Bool) {
    var simulation = Simulation(seed: 5, names: [])
    for count in 1...18 {
      simulation.change(names(0..<count))
      simulation.runUntilPolled(1)
    }
    #expect(simulation.broker.recordCount == 18)
    simulation.change(names(0..<30))
    if isAtStart { simulation.kill() }
    for step in 0..<150 {
      var copy = simulation
      copy.reseed(UInt64(step))
      for _ in 0..<step where !copy.step() { copy.wait() }
      copy.kill()
      copy.runUntilPolled(2)
      check(copy, since: copy.names)
    }
  }

  @Test(arguments: 0..<12 as Range<UInt64>) func manyFaults(seed: UInt64) {
    var random = Random(seed: seed &+ 1000)
    var simulation = Simulation(seed: seed, names: names(0..<700))
    for _ in 0..<30 {
      for _ in 0..<Int.random(in: 0..<(random.chance(1, in: 2) ? 30 : 600), using: &random) where !simulation.step() {
        simulation.wait()
      }
      switch Int.random(in: 0..<4, using: &random) {
      case 0: simulation.cut()
      case 1: simulation.kill()
      case 2: simulation.change(names((0..<700).filter { _ in random.chance(9, in: 10) }))
      default: break
      }
    }
    simulation.runUntilPolled(3)
    check(simulation, since: simulation.names)
    let sent = simulation.publishCount
    simulation.runUntilPolled(3)
    #expect(simulation.publishCount == sent)
  }

  @Test func aLedgerThatIsDeletedIsWrittenAnew() {
    var simulation = Simulation(seed: 3, names: names(0..<300))
    simulation.runUntilPolled(2)
    simulation.deleteLedger()
    simulation.cut()
    simulation.runUntilPolled(2)
    simulation.kill()
    simulation.runUntilPolled(2)
    #expect(simulation.broker.itemCount == 300)
  }
}
