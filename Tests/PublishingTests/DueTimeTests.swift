import AMQP
import Broker
import Testing

@testable import Publishing

/// Items that are to be in their queue later.
@Suite struct DueTimeTests {
  private let now = ContinuousClock.now

  private func configuration(_ dueTime: DueTime? = nil) -> BatchConfiguration {
    var configuration = BatchConfiguration(
      access: BrokerAccess([BrokerURL(host: "h")]), heartbeat: 0, connectionName: "",
      destination: .queue("q"), properties: BasicProperties(), skip: 0, limits: .init(outage: .seconds(60)))
    configuration.ask(.queueDeclare(.init(name: "q", isPassive: true)))
    if let dueTime { configuration.delay(dueTime, now: now) }
    return configuration
  }

  @Test(
    "A fraction of a second is rounded up, and what is past is due at once",
    arguments: [
      (.seconds(3), 3), (.milliseconds(3001), 4), (.milliseconds(1), 1), (.zero, 0), (.seconds(-5), 0),
    ] as [(Duration, Int)])
  func rounding(left: Duration, seconds: Int) {
    #expect(DueTime.seconds(from: now, to: now + left) == seconds)
    #expect(DueTime.at(now + left).maxSeconds(now: now) == seconds)
    #expect(DueTime.after(left).maxSeconds(now: now) == seconds)
  }

  @Test("An item that is sent late, or once more, waits for what is left") func method() {
    let configuration = configuration(.after(.seconds(10)))
    func method(at time: Duration) -> AMQP.Method {
      configuration.publishMethod(due: now + .seconds(10), now: now + time)
    }
    func entrance(_ seconds: Int) -> AMQP.Method {
      let place = DelayLadder.entrance(to: "q", after: seconds)
      return .basicPublish(
        exchange: ByteString(place.exchange), routingKey: ByteString(place.routingKey), mandatory: true)
    }
    #expect(method(at: .zero) == entrance(10))
    #expect(method(at: .milliseconds(7500)) == entrance(3))
    #expect(method(at: .seconds(10)) == configuration.publishMethod(due: nil, now: now))
    #expect(method(at: .seconds(99)) == .basicPublish(exchange: "", routingKey: "q", mandatory: true))
  }

  @Test("What delays need is declared, and nothing else is") func declarations() {
    #expect(configuration().preconditions.count == 1)
    #expect(configuration(.after(.seconds(9))).preconditions == DelayLadder.declarations(to: "q", upTo: 9))
    #expect(configuration(.at(now + .seconds(9))).preconditions == DelayLadder.declarations(to: "q", upTo: 9))
  }

  @Test("An item is due from when it is taken on, or at one time") func items() throws {
    func item(_ dueTime: DueTime?) throws -> Item {
      var items = NumberedItems(GivenItems([[1]]), configuration(dueTime))
      return try #require(try items.next())
    }
    #expect(try item(nil).due == nil)
    #expect(try item(.at(now + .seconds(9))).due == now + .seconds(9))
    #expect(try #require(try item(.after(.seconds(9))).due) >= now + .seconds(9))
  }
}
