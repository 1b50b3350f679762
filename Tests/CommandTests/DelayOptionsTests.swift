import AMQP
import Arguments
import Broker
import Console
import Linux
import Publishing
import Testing

@testable import amqp_job

@Suite("The options that delay items") struct DelayOptionsTests {
  private func options(_ words: [String], to destination: Destination = .queue("q")) throws -> DelayOptions? {
    var settings = try settings(Publish.self, words)
    return try DelayOptions(&settings, destination, Reporter(Logger(format: .text, threshold: .error) { _ in }))
  }

  private static let tomorrow = utcText(secondsSince1970: ThisProcess.time + 86_400)

  @Test("Items are delayed by a duration, or until a time") func kinds() throws {
    #expect(try options([]) == nil)
    guard case .after(.seconds(90))? = try options(["--delay", "90s"])?.dueTime else {
      Issue.record("not after 90 s")
      return
    }
    let time = try #require(try options(["--at", Self.tomorrow])?.dueTime)
    #expect((80_000...86_400).contains(time.maxSeconds(now: .now)))
  }

  @Test("What is due already is not delayed", arguments: [["--delay", "0"], ["--at", "2020-01-01T00:00:00Z"]])
  func dueAlready(words: [String]) throws { #expect(try options(words) == nil) }

  @Test(
    "Delays that cannot be kept are refused",
    arguments: [
      (["--delay", "1s", "--at", tomorrow], "--delay and --at exclude each other"),
      (["--at", "2999-01-01T00:00:00Z"], "--at is at most 9320h, about 388 days ahead"),
    ])
  func refused(words: [String], error: String) throws {
    #expect(try usageError { _ = try options(words) } == error)
  }

  @Test("The longest delay is 388 days") func longest() throws {
    #expect(try options(["--delay", "9320h"]) != nil)
    #expect(try usageError { _ = try options(["--delay", "9321h"]) }?.contains("388 days") == true)
  }

  @Test("Only a queue whose name is short enough can be reached later") func destinations() throws {
    func error(_ destination: Destination) throws -> String? {
      try usageError { _ = try options(["--delay", "1s"], to: destination) }
    }
    #expect(
      try error(Destination(exchange: "e", routingKey: "k"))
        == "--delay goes with a queue: an exchange cannot be reached later")
    #expect(try error(.queue("amq.rabbitmq.reply-to.x")) != nil)
    #expect(
      try error(.queue(String(repeating: "q", count: 250)))
        == "--delay needs a queue whose name has at most 205 bytes, of which '.', '*', '#' and '%' count three times")
  }

  @Test("What would end the delay is refused, for all items and for one") func properties() throws {
    let options = try #require(try options(["--delay", "1s"]))
    var expiring = BasicProperties()
    expiring.expiration = "1000"
    #expect(try usageError { try options.check(expiring) } == "--delay excludes an expiration")
    #expect(options.objection(to: expiring) == "the item has an expiration, which --delay excludes")
    var urgent = BasicProperties()
    urgent.priority = 5
    #expect(try usageError { try options.check(urgent) } == "--delay excludes a priority above 4")
    urgent.priority = 4
    #expect(options.objection(to: urgent) == nil)
    var copied = BasicProperties()
    copied.headers = ["own": .int64(1), "CC": .array([])]
    #expect(try usageError { try options.check(copied) } == "--delay excludes the header CC")
    copied.headers = ["own": .int64(1)]
    #expect(options.objection(to: copied) == nil)
  }
}
