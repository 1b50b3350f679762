import AMQP
import Testing

@testable import Broker

@Suite struct FirstPublishTests {
  private func first(
    _ headers: FieldTable?, by exchange: ByteString = "", _ key: ByteString = "q", from queue: String = "q"
  ) -> [String] {
    var properties = BasicProperties()
    properties.headers = headers
    let envelope = Envelope(
      consumerTag: "c", deliveryTag: 1, isRedelivered: false, exchange: exchange, routingKey: key)
    let first = FirstPublish(of: properties, envelope, from: WorkQueue(queue))
    return [first.exchange.description, first.routingKey.description]
  }

  private func death(_ queue: ByteString, _ exchange: ByteString, _ keys: [FieldValue]) -> FieldValue {
    .table(["queue": .string(queue), "exchange": .string(exchange), "routing-keys": .array(keys)])
  }

  @Test("A message without headers was first published as this delivery shows") func withoutHeadersItIsThisDelivery() {
    #expect(first(nil, by: "e", "k") == ["e", "k"])
    #expect(first([:]) == ["", "q"])
  }

  @Test("A copy says how its message was first published") func aCopySaysIt() {
    let copied: FieldTable = ["x-amqp-job-exchange": .string("e"), "x-amqp-job-routing-key": .string("k")]
    #expect(first(copied) == ["e", "k"])
    #expect(first(copied, "q.dead", from: "q.dead") == ["e", "k"])
    #expect(first(copied, by: "another", "j") == ["another", "j"], "no copy came this way")
  }

  @Test("Headers of other programs do not say how a message was first published")
  func headersThatAreNoneOfOursAreNotTaken() {
    #expect(first(["x-amqp-job-exchange": .string("e")]) == ["", "q"])
    #expect(first(["x-amqp-job-exchange": .int32(1), "x-amqp-job-routing-key": .string("k")]) == ["", "q"])
    #expect(first(["x-death": .string("e")]) == ["", "q"])
    #expect(first(["x-death": .array([.int32(1), death("q", "e", [.int32(1)]), death("q", "e", [])])]) == ["", "q"])
  }

  @Test(
    "The first death in one of the three queues tells how a message was first published",
    arguments: ["q", "q.dead", "q.retry"])
  func theFirstDeathInOneOfTheThreeQueuesTellsIt(queue: String) {
    let deaths: FieldTable = [
      "x-death": .array([
        death("q.retry", "", [.string("q.retry")]), death("q", "e", [.string("k"), .string("cc")]),
        death("elsewhere", "f", [.string("l")]),
      ])
    ]
    #expect(first(deaths, ByteString(queue), from: queue) == ["e", "k"])
    #expect(first(deaths, "other", from: "other") == ["", "other"])
  }
}
