import AMQP
import Arguments
import Broker
import Testing

@testable import amqp_job

@Suite("Where publish puts items") struct DestinationTests {
  private func destination(_ words: [String], environment: [String] = []) throws -> Destination {
    var settings = try settings(Publish.self, words, environment: environment)
    return try PublishDestination.resolved(&settings)
  }

  @Test("Items go into a queue, or to an exchange with a routing key") func destinations() throws {
    #expect(try destination(["-q", "q"]) == .queue("q"))
    #expect(
      try destination(["--exchange", "e", "--routing-key", "k"]) == Destination(exchange: "e", routingKey: "k"))
    #expect(try destination(["--exchange", "e"]) == Destination(exchange: "e", routingKey: ""))
  }

  @Test("An option outweighs the variable of the other destination") func variables() throws {
    #expect(try destination([], environment: ["QUEUE=q"]) == .queue("q"))
    #expect(try destination(["-q", "q"], environment: ["AMQP_JOB_EXCHANGE=e"]) == .queue("q"))
    #expect(try destination(["--exchange", "e"], environment: ["QUEUE=q"]).exchange == "e")
  }

  @Test(
    "A destination that is none is refused",
    arguments: [
      (["-q", "q", "--exchange", "e"], "--queue and --exchange exclude each other"),
      (["-q", "q", "--routing-key", "k"], "--routing-key goes with --exchange"),
      (["--exchange", ""], "--exchange has no name; to publish through the default exchange, use --queue"),
      ([], "no queue given: use --queue, AMQP_QUEUE or QUEUE"),
    ])
  func refused(words: [String], error: String) throws {
    #expect(try usageError { _ = try destination(words) } == error)
  }

  private func items(_ words: [String]) throws -> ItemOptions {
    var settings = try settings(Publish.self, words)
    return try ItemOptions(&settings, properties: BasicProperties())
  }

  @Test("The number of items is known if they are arguments or files") func totals() throws {
    #expect(try items(["a", "b"]).total == 2)
    #expect(try items(["--file", "a"]).total == 1)
    #expect(try items(["--null"]).total == nil)
  }

  @Test("- alone is standard input, whose number of items is not known, and after -- it is an item") func dash() throws
  {
    #expect(try items(["-"]).total == nil)
    #expect(try items(["--null", "-"]).total == nil)
    #expect(try items(["--", "-"]).total == 1)
    #expect(try items(["--file", "-", "a"]).total == 2)
  }

  @Test(
    "Forms of input that do not go together are refused",
    arguments: [
      (["--null", "a"], "--null reads standard input: give it no BODY"),
      (["a", "-"], "the BODY - is standard input, and goes with no other BODY; after --, it is that text"),
      (["--file", "-", "-"], "the PATH - is standard input: give it once"),
      (["--file"], "--file needs the PATH of at least one file"),
      (["--null", "--jsonl"], "--null, --jsonl exclude each other"),
    ])
  func refusedForms(words: [String], error: String) throws {
    #expect(try usageError { _ = try items(words) } == error)
  }
}
