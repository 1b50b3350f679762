import AMQP
import Broker
import Testing

@Suite("Delays that grow") struct RetryBackoffTests {
  private static func seconds(_ values: Double...) -> [Duration] { values.map { .milliseconds(Int64($0 * 1000)) } }

  @Test(
    "Each delay is so many times as long as the one before, up to the longest",
    arguments: [
      (1, 2, 10, seconds(1, 2, 4, 8, 10)), (1, 2, 8, seconds(1, 2, 4, 8)), (1, 1.5, 3, seconds(1, 1.5, 2.25, 3)),
      (10, 10, 600, seconds(10, 100, 600)), (5, 2, 5, seconds(5)), (5, 1, 600, seconds(5)),
      (0.001, 1000, 3600, seconds(0.001, 1, 1000, 3600)), (1, 1.1, 1.2, seconds(1, 1.1, 1.2)),
    ] as [(Double, Double, Double, [Duration])])
  func delays(first: Double, factor: Double, max: Double, delays: [Duration]) {
    #expect(RetryBackoff(first: .seconds(first), factor: factor, max: .seconds(max))?.delays == delays)
  }

  @Test("There are not more delays than queues for them")
  func tooManyDelays() throws {
    #expect(RetryBackoff(first: .seconds(1), factor: 1.01, max: .seconds(600)) == nil)
    let most = RetryBackoff(first: .milliseconds(1), factor: 2, max: .milliseconds(1 << 31))
    #expect(most?.levelCount == WorkQueue.maxRetryLevel)
    #expect(RetryBackoff(first: .milliseconds(1), factor: 2, max: .milliseconds(1 << 31 + 1)) == nil)
  }

  @Test("The last level also follows all later attempts") func levels() throws {
    let backoff = try #require(RetryBackoff(first: .seconds(1), factor: 2, max: .seconds(4)))
    #expect([0, 1, 2, 3, 4, 99].map { backoff.level(afterAttempt: $0) } == [1, 1, 2, 3, 3, 3])
  }

  @Test("A delay is lengthened or shortened by up to the share of the jitter") func jitter() throws {
    let backoff = try #require(RetryBackoff(first: .seconds(1), factor: 2, max: .seconds(4)))
    let delays = [0, 0.25, 0.5, 1].map { backoff.delay(ofLevel: 3, jitter: 0.1, random: $0) }
    #expect(delays == Self.seconds(3.6, 3.8, 4, 4.4))
    #expect(backoff.delay(ofLevel: 2, jitter: 0, random: 1) == .seconds(2))
    #expect(backoff.delay(ofLevel: 1, jitter: 1, random: 0) == .zero)
  }
}

@Suite("The names of further retry queues") struct RetryLevelNameTests {
  @Test("They belong to their work queue", arguments: ["q.retry", "q.retry.2", "q.retry.32"])
  func belonging(name: String) {
    #expect(WorkQueue(name).family == WorkQueue("q") && WorkQueue(name).owner == WorkQueue("q"))
    #expect(WorkQueue("q").isRetryName(name) && !WorkQueue("p").isRetryName(name))
    #expect(WorkQueue(name).purpose == "holds failed items of queue 'q' until they are retried")
  }

  @Test(
    "Another number is that of another queue",
    arguments: [
      "q.retry.1", "q.retry.0", "q.retry.33", "q.retry.02", "q.retry.+2", "q.retry.-2", "q.retry.", "q.2", "q.dead.2",
      "q.marks.2", "q.retry.x", "q.retry.2.3",
    ])
  func others(name: String) {
    #expect(WorkQueue(name).owner == nil && WorkQueue(name).family == WorkQueue(name))
    #expect(!WorkQueue("q").isRetryName(name))
  }

  @Test("Each is declared as the first one is, and made after it") func declarations() {
    let queue = WorkQueue("q")
    #expect(
      queue.otherDeclarations(retryLevels: 3).map(\.name) == ["q.dead", "q.marks", "q.retry", "q.retry.2", "q.retry.3"])
    #expect(queue.retryDeclaration(level: 3).arguments == queue.retryDeclaration.arguments)
  }

  @Test("One that is missing is a missing companion") func missing() {
    func closed(_ name: String) -> CloseReason {
      CloseReason(code: .notFound, text: "NOT_FOUND - no queue '\(name)' in vhost '/'")
    }
    #expect(closed("q.retry.3").meansNoCompanion(of: WorkQueue("q")))
    #expect(!closed("q.retry.3").meansNoCompanion(of: WorkQueue("p")))
  }

  @Test("A death there does not hide the first publish") func firstPublish() {
    func death(in queue: String, _ exchange: String, _ key: String) -> FieldValue {
      .table([
        "queue": .string(ByteString(queue)), "exchange": .string(ByteString(exchange)),
        "routing-keys": .array([.string(ByteString(key))]),
      ])
    }
    var properties = BasicProperties()
    properties.headers = ["x-death": .array([death(in: "q.retry.2", "shop", "fruit"), death(in: "other", "x", "y")])]
    let envelope = Envelope(consumerTag: "c", deliveryTag: 1, isRedelivered: false, exchange: "", routingKey: "q")
    let first = FirstPublish(of: properties, envelope, from: WorkQueue("q"))
    #expect((first.exchange, first.routingKey) == ("shop", "fruit"))
  }
}
