import AMQP
import Broker
import Console
import Linux
import Testing

@testable import Publishing
@testable import amqp_job

@Suite("How publish ends") struct PublishTests {
  private func outcome(
    _ counts: PublishCounts, total: Int? = nil, to destination: Destination = .queue("q")
  ) -> PublishOutcome {
    PublishOutcome(destination: destination, total: total, counts: counts, broker: BrokerURL(host: "h"))
  }

  /// Of three items the second found no queue.
  private let withoutSecond = PublishCounts(
    accepted: 3, confirmed: 2, refusals: [.init(number: 2, isUnroutable: true)], lastInOrder: 1)

  @Test("A publication in which every item is published is no failure") func done() {
    let outcome = outcome(PublishCounts(accepted: 2, confirmed: 2, lastInOrder: 2))
    #expect(outcome.failure(.done) == nil)
    #expect(outcome.success.text == "2 items are in queue 'q' at h:5672")
    #expect(outcome.success.level == .info)
  }

  @Test("Items that went through an exchange are said to be in a queue") func throughAnExchange() {
    let exchange = Destination(exchange: "e", routingKey: "k")
    let success = outcome(PublishCounts(accepted: 1, confirmed: 1), to: exchange).success
    #expect(success.text == "1 item is in a queue, through exchange 'e' with the routing key 'k' at h:5672")
  }

  @Test("An item that was sent twice is told to a user who did not ask for details") func sentTwice() {
    let success = outcome(PublishCounts(accepted: 1, confirmed: 1, resent: 1)).success
    #expect(success.level == .notice)
    #expect(success.text.contains("1 was sent more than once"))
  }

  @Test("An item that no queue takes ends publish with 66, its number, and the way to go on") func unroutable() throws {
    let failure = try #require(outcome(withoutSecond, total: 3).failure(.refused))
    #expect(failure.status == .noQueue)
    #expect(
      failure.text == "queue 'q' at h:5672: item 2 is not published: there is no such queue, or not any more; "
        + "2 of 3 items are in the queue; --skip 1 goes on from there")
  }

  @Test("Items that were skipped are told from those that are to be published") func skipped() throws {
    var outcome = outcome(
      PublishCounts(accepted: 2, refusals: [.init(number: 3, isUnroutable: false)], lastInOrder: 2), total: 4)
    outcome.skipped = 2
    let failure = try #require(outcome.failure(.refused))
    #expect(
      failure.text.hasSuffix(
        "; 0 of 2 items are in the queue, and 2 before them were skipped; --skip 2 goes on from there"))
  }

  @Test("An item that the exchange routes nowhere blames the bindings") func unbound() throws {
    let exchange = Destination(exchange: "e", routingKey: "k")
    let failure = try #require(outcome(withoutSecond, to: exchange).failure(.refused))
    #expect(failure.status == .noQueue)
    #expect(failure.text.contains("item 2 is not published: no queue is bound to that exchange for it ("))
  }

  @Test("Items that the broker rejects end publish with 75") func rejected() throws {
    let refusals = [3, 1].map { PublicationTally.Refusal(number: $0, isUnroutable: false) }
    let failure = try #require(outcome(PublishCounts(accepted: 3, refusals: refusals)).failure(.refused))
    #expect(failure.status == .temporaryFailure)
    #expect(failure.text.contains("items 1, 3 are not published: the broker rejected them"))
  }

  @Test("Of many refused items only the first ten are named") func manyRefused() throws {
    let refusals = (1...12).map { PublicationTally.Refusal(number: $0, isUnroutable: true) }
    let failure = try #require(outcome(PublishCounts(accepted: 12, refusals: refusals)).failure(.refused))
    #expect(failure.text.contains(": items 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... are not published"))
  }

  @Test("A signal ends publish with its own status, and tells which items may be published") func signal() throws {
    let counts = PublishCounts(accepted: 3, confirmed: 1, unknown: [2, 3], lastInOrder: 1)
    let failure = try #require(outcome(counts).failure(.signal(.terminate)))
    #expect(failure.status == .signal(.terminate))
    #expect(failure.text.contains("1 item is in the queue, 2 may be (items 2, 3); --skip 1 goes on from there"))
  }

  @Test(
    "A malformed item ends publish with 65, and an input that cannot be read with 74",
    arguments: [(InputError.Kind.malformed, Console.ExitStatus.refusedData), (.unreadable, .inputOutputError)])
  func input(kind: InputError.Kind, status: Console.ExitStatus) throws {
    let failure = try #require(outcome(PublishCounts()).failure(.input(InputError(kind: kind, reason: "why"))))
    #expect(failure.status == status)
    #expect(failure.text == "why; 0 items are in the queue")
  }

  @Test("A broker that was never reached leaves nothing to count") func broker() throws {
    let unreachable = BrokerFailure(.unreachable, broker: BrokerURL(host: "h"), detail: "why")
    let failure = try #require(outcome(PublishCounts()).failure(.broker(unreachable)))
    #expect(failure.status == .unreachable)
    #expect(failure.text == "cannot reach the broker at h:5672: why (see --connect-timeout)")
  }

  @Test("An item whose properties are too large ends publish with 65 and its number") func tooLarge() throws {
    let counts = PublishCounts(accepted: 1, confirmed: 1, lastInOrder: 1)
    let failure = try #require(outcome(counts).failure(.item(number: 2, .doesNotFitFrame("too much"))))
    #expect(failure.status == .refusedData)
    #expect(failure.text.hasPrefix("cannot send to queue 'q' at h:5672: too much (item 2); 1 item is in the queue"))
  }
}
