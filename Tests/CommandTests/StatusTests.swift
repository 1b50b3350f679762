import Broker
import Console
import Testing

@testable import amqp_job

@Suite("What status decides") struct StatusTests {
  private func task(_ words: String...) throws -> StatusTask {
    var settings = try settings(Status.self, words)
    return try StatusTask(&settings)
  }

  @Test("The options say whether to show, check, watch or wait") func tasks() throws {
    #expect(try task("q") == .show)
    #expect(try task("q", "--json") == .show)
    #expect(try task("q", "--drained") == .checkDrained)
    #expect(try task("q", "--watch", "--interval", "5s") == .watch(every: .seconds(5)))
    #expect(
      try task("q", "--until", "drained", "--drain-timeout", "1m")
        == .waitUntilDrained(limit: .seconds(60), every: .seconds(1), isShown: false))
    #expect(try task("q", "--watch", "--joblog", "l", "-j", "4") == .watch(every: .seconds(1)))
    #expect(try task("q", "--json", "--joblog", "l", "--interval", "5s") == .showRates(over: .seconds(5)))
    #expect(
      try task("q", "--until", "drained", "--watch", "--json")
        == .waitUntilDrained(limit: nil, every: .seconds(1), isShown: true))
  }

  @Test(
    "Options that do not go together are refused",
    arguments: [
      (["q", "--interval", "1s"], "--interval goes with --watch or --until"),
      (["q", "--json", "--interval", "1s"], "--interval goes with --watch or --until"),
      (["q", "--joblog", "l"], "--joblog goes with --watch or --json"),
      (["q", "--watch", "--drain-timeout", "1s"], "--drain-timeout goes with --until"),
      (["q", "--until", "drained", "--json"], "--until shows --json only with --watch"),
      (["q", "--drained", "--json"], "--drained goes with none of --watch, --until and --json"),
      (["q", "--drained", "--watch"], "--drained goes with none of --watch, --until and --json"),
    ])
  func refusedOptions(words: [String], error: String) throws {
    var settings = try settings(Status.self, words)
    #expect(try usageError { _ = try StatusTask(&settings) } == error)
  }

  @Test(
    "Figures with items or consumers show that a queue is not drained",
    arguments: [
      (QueueFigures(name: "q", ready: 1, consumers: 1, retry: 1, dead: 0), "items are ready"),
      (QueueFigures(name: "q", ready: 0, consumers: 1, retry: 1, dead: 0), "items wait for another attempt"),
      (QueueFigures(name: "q", ready: 0, consumers: 1), "others consume, and may give an item back"),
      (QueueFigures(name: "q", ready: 0, consumers: 0, retry: 0, dead: 9), nil),
    ])
  func figures(figures: QueueFigures, reason: String?) {
    #expect(figures.reasonNotDrained == reason)
  }

  @Test(
    "Only a drained queue has no reason why it is not drained",
    arguments: [
      Drain.Finding.items, .retries, .returning, .otherConsumers, .inconclusive, .empty,
    ])
  func findings(finding: Drain.Finding) {
    #expect(finding.reasonNotDrained != nil)
    #expect(Drain.Finding.drained.reasonNotDrained == nil)
  }
}
