import AMQP
import TestSupport
import Testing

@testable import Broker
@testable import Publishing

@Suite struct TransferProperties {
  /// A queue of a broker. Other clients take messages from it, too.
  private struct Queue {
    var ready: Int
    /// The number of messages that may still be delivered to the consumer.
    var credit = 0
    var hasConsumer = false
    var deliveredCount: UInt64 = 0
    /// The methods that the client receives next.
    var answers: [AMQP.Method] = []
    var emptyGets = 0
    var gets = 0

    mutating func hear(_ method: AMQP.Method) throws {
      switch method {
      case .basicQoS(let count):
        try expect(!hasConsumer, "a consumer beside another one")
        credit = Int(count)
      case .basicConsume: hasConsumer = true
      case .basicCancel(let tag):
        hasConsumer = false
        answers.append(.basicCancelOK(consumerTag: tag))
      case .basicGet: gets += 1
      case .queueDeclare(let declaration):
        answers.append(
          .queueDeclareOK(
            .init(name: declaration.name, messageCount: UInt32(ready), consumerCount: hasConsumer ? 1 : 0)))
      default: throw Broken("\(method)")
      }
    }

    /// The next message for the client, if there is one for it.
    mutating func deliver() -> Delivery? {
      if gets > 0, ready == 0 {
        gets -= 1
        answers.append(.basicGetEmpty)
        return nil
      }
      guard ready > 0, gets > 0 || hasConsumer && credit > 0 else { return nil }
      if gets > 0 { gets -= 1 } else { credit -= 1 }
      ready -= 1
      deliveredCount += 1
      return Delivery(
        envelope: .init(
          consumerTag: "", deliveryTag: deliveredCount, isRedelivered: false, exchange: "", routingKey: ""),
        properties: BasicProperties(), body: [], bodySize: UInt64(deliveredCount % 3) << 20)
    }
  }

  @Test("A queue reader takes every wanted message once, whatever the broker and others do") func queueReader() {
    property("portions of a queue") { random in
      let count = random.size(upTo: 2000)
      let way = random.one(of: [
        QueueReader.Mode.consumers(.quorum), .consumers(.classic), .gets(atOnce: 1), .gets(atOnce: 32),
      ])
      var queue = Queue(ready: count)
      var now = ContinuousClock.now
      var reader = QueueReader("q", count: count, by: way, now: now)
      var (takenCount, stolenCount) = (0, 0)
      for _ in 0..<100_000 where !(reader.isAtEnd && reader.isIdle) {
        for method in reader.ask(room: random.one(of: [.max, 512, 40]), now: now) { try queue.hear(method) }
        if random.chance(1, in: 200), queue.ready > 0 {
          queue.ready -= 1
          stolenCount += 1
        }
        if let delivery = queue.deliver() {
          takenCount += 1
          for method in reader.received(delivery, now: now) { try queue.hear(method) }
          try expect(
            !queue.hasConsumer || reader.lastSettleableTag < queue.deliveredCount, "settled before the consumer is gone"
          )
        } else if !queue.answers.isEmpty {
          for method in try reader.take(queue.answers.removeFirst(), now: now) { try queue.hear(method) }
        } else {
          now += .milliseconds(60)
          for method in try reader.tick(now: now) { try queue.hear(method) }
        }
      }
      try expect(reader.isAtEnd && reader.isIdle, "it does not end: \(reader)")
      try expect(takenCount + stolenCount == count, "\(takenCount) of \(count) taken, \(stolenCount) by others")
      try expect(!queue.hasConsumer && reader.lastSettleableTag == queue.deliveredCount, "a consumer is left")
    }
  }

  @Test("Only confirmed copies are acked, and all other messages stay") func transfers() {
    property("copies, confirmed and refused") { random in
      var transfers = Transfers()
      var tags: [UInt64] = []
      var confirmed: Set<UInt64> = []
      var answered: Set<UInt64> = []
      var acked: [UInt64] = []
      for _ in 0..<random.size(upTo: 300) {
        switch Int.random(in: 0...3, using: &random) {
        case 0, 1:
          tags.append((tags.last ?? 0) + UInt64.random(in: 1...3, using: &random))
          transfers.add(tag: tags[tags.count - 1])
        case 2:
          let known = UInt64.random(in: 0...UInt64(tags.count), using: &random)
          let number = random.chance(1, in: 10) ? random.integer() : known
          let (isMultiple, isRefusal) = (random.chance(1, in: 2), random.chance(1, in: 8))
          if isRefusal {
            transfers.refuse(number, multiple: isMultiple)
          } else {
            transfers.confirm(number, multiple: isMultiple)
          }
          guard number > 0, number <= UInt64(tags.count) else { continue }
          for index in (isMultiple ? 0 : Int(number) - 1)..<Int(number) where answered.insert(tags[index]).inserted {
            if !isRefusal { confirmed.insert(tags[index]) }
          }
        default:
          let last = random.chance(1, in: 2) ? UInt64.max : UInt64.random(in: 0...900, using: &random)
          let taken = transfers.takeSettled(upTo: last)
          try expect(taken.allSatisfy { $0 <= last }, "\(taken) beyond \(last)")
          acked += taken
        }
        try expect(transfers.openCount == tags.count - answered.count, "\(transfers.openCount) open")
        try expect(acked.allSatisfy(confirmed.contains), "\(acked), of which only \(confirmed) are confirmed")
      }
      let (rest, staying) = transfers.takeAll()
      acked += rest
      try expect(Set(acked) == confirmed && acked.count == confirmed.count, "\(acked) instead of \(confirmed)")
      try expect((acked + staying).sorted() == tags, "\(acked) and \(staying) are not \(tags)")
    }
  }
}
