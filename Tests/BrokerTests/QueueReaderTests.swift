import AMQP
import Testing

@testable import Broker

/// What is sent to take messages from a queue, and when it is known that there are no more.
@Suite struct QueueReaderTests {
  private let start = ContinuousClock.now

  private func reader(_ count: Int, _ way: QueueReader.Mode = .consumers(.quorum)) -> QueueReader {
    QueueReader("q.dead", count: count, by: way, now: start)
  }

  private func delivery(_ tag: UInt64, size: UInt64 = 1, isRedelivered: Bool = false) -> Delivery {
    let envelope = Envelope(
      consumerTag: "", deliveryTag: tag, isRedelivered: isRedelivered, exchange: "", routingKey: "")
    return Delivery(envelope: envelope, properties: BasicProperties(), body: [], bodySize: size)
  }

  private func prefetch(_ methods: [AMQP.Method]) -> UInt16? {
    if case .basicQoS(let count)? = methods.first { count } else { nil }
  }

  private func status(_ ready: UInt32, consumers: UInt32) -> AMQP.Method {
    .queueDeclareOK(.init(name: "q.dead", messageCount: ready, consumerCount: consumers))
  }

  /// Takes portion by portion, each whole, and says how large they are.
  private func portions(_ reader: inout QueueReader, bodySize: UInt64 = 1, room: Int = .max) -> [UInt16] {
    var sizes: [UInt16] = []
    var tag: UInt64 = 0
    while let size = prefetch(reader.ask(room: room, now: start)) {
      sizes.append(size)
      for number in 1...size {
        tag += 1
        let methods = reader.received(delivery(tag, size: bodySize), now: start)
        #expect(methods.isEmpty == (number < size))
      }
    }
    return sizes
  }

  @Test("Portions grow, and end with the number of messages that is wanted") func portionsGrowAndEndWithWhatIsWanted() {
    var reader = reader(2000)
    #expect(portions(&reader) == [8, 16, 32, 64, 128, 256, 512, 512, 472])
    #expect(reader.isAtEnd && !reader.isIdle)
  }

  @Test("Portions of large bodies are small") func portionsOfLargeBodiesAreSmall() {
    var reader = reader(20)
    #expect(portions(&reader, bodySize: 1 << 20) == [8, 4, 4, 4])
    var hugeReader = self.reader(10)
    #expect(portions(&hugeReader, bodySize: 100 << 20) == [8, 1, 1])
  }

  @Test("A portion is asked for once there is room for all of it") func aPortionIsAskedForWhenThereIsRoomForAllOfIt() {
    var reader = reader(100)
    #expect(reader.ask(room: 7, now: start).isEmpty)
    #expect(prefetch(reader.ask(room: 8, now: start)) == 8)
    #expect(reader.ask(room: .max, now: start).isEmpty, "one is on its way")
  }

  @Test("A consumer is cancelled before any of its messages is settled")
  func aConsumerIsCancelledBeforeAnythingOfItsOwnIsSettled() throws {
    var reader = reader(2)
    let asked = reader.ask(room: .max, now: start)
    guard case .basicConsume("q.dead", let tag, _)? = asked.last else { throw QueueReaderFailure() }
    #expect(reader.received(delivery(1), now: start).isEmpty)
    #expect(reader.lastSettleableTag == 0)
    #expect(reader.received(delivery(2), now: start) == [.basicCancel(consumerTag: tag)])
    #expect(reader.lastSettleableTag == 2 && !reader.isIdle)
    #expect(try reader.take(.basicCancelOK(consumerTag: tag), now: start).isEmpty)
    #expect(reader.isIdle && reader.isAtEnd)
  }

  @Test("A queue is at its end when two answers show no message and our consumer")
  func thereAreNoMoreWhenTwoAnswersSaySoAndShowOurConsumer() throws {
    var reader = reader(5)
    let asked = reader.ask(room: .max, now: start)
    #expect(asked.count == 2 && reader.received(delivery(1), now: start).isEmpty)
    var now = start
    func look(_ ready: UInt32, consumers: UInt32) throws -> [AMQP.Method] {
      #expect(try reader.tick(now: now).isEmpty, "too early")
      now += QueueReader.probeDelay
      #expect(try reader.tick(now: now) == [.queueDeclare(.init(name: "q.dead", isPassive: true))])
      #expect(try reader.tick(now: now + QueueReader.probeDelay).isEmpty, "the answer is on its way")
      return try reader.take(status(ready, consumers: consumers), now: now)
    }
    #expect(try look(0, consumers: 1).isEmpty)
    #expect(try look(0, consumers: 0).isEmpty, "a queue without a leader")
    #expect(try look(0, consumers: 1).isEmpty)
    #expect(reader.received(delivery(2), now: now).isEmpty, "another one after all")
    #expect(try look(0, consumers: 1).isEmpty)
    #expect(try look(1, consumers: 1).isEmpty)
    #expect(try look(0, consumers: 1).isEmpty)
    #expect(try look(0, consumers: 1).count == 1)
    #expect(reader.isAtEnd && reader.lastSettleableTag == 2)
  }

  @Test("A broker that delivers nothing is not waited for without end")
  func aBrokerThatDeliversNothingIsNotWaitedForForEver() throws {
    var reader = reader(5)
    _ = reader.ask(room: .max, now: start)
    let late = start + BrokerSession.callLimit
    reader.resetTimeouts(now: start + .seconds(1))
    #expect(throws: Never.self) { _ = try reader.tick(now: late) }
    #expect(throws: SessionError.unanswered) { _ = try reader.tick(now: late + .seconds(1)) }
  }

  @Test("A consumer that the broker takes away is an error") func aConsumerThatTheBrokerTakesAwayIsAnError() {
    var reader = reader(5)
    _ = reader.ask(room: .max, now: start)
    #expect(throws: SessionError.unanswered) {
      _ = try reader.take(.basicCancel(consumerTag: "portion-0000000001"), now: start)
    }
    let reason = CloseReason(code: .notFound, text: "NOT_FOUND - no queue 'q.dead' in vhost '/'")
    #expect(throws: SessionError.refused(reason)) {
      _ = try reader.take(.channelClose(reason), now: start)
    }
  }

  @Test("Gets are sent side by side, and tell the end of the queue")
  func getsAreAskedForSideBySideAndTellTheEnd() throws {
    var reader = reader(10, .gets(atOnce: 4))
    #expect(reader.ask(room: .max, now: start) == Array(repeating: .basicGet(queue: "q.dead"), count: 4))
    #expect(reader.received(delivery(1), now: start).isEmpty)
    #expect(reader.lastSettleableTag == 1)
    #expect(reader.received(delivery(2), now: start).isEmpty)
    for _ in 0..<2 { #expect(try reader.take(.basicGetEmpty, now: start).isEmpty) }
    #expect(reader.isIdle && reader.isAtEnd)
    #expect(reader.ask(room: .max, now: start).isEmpty)
  }
}

private struct QueueReaderFailure: Error {}
