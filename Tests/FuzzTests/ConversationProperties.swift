import Broker
import Linux
import TestSupport
import Testing

@testable import AMQP
@testable import JobRunner

@Suite struct ConversationProperties {
  private static let limit = 1 << 20

  /// A runner with its connection and its bodies, combined as in `EventLoop`, and a broker that answers it.
  private struct Conversation {
    var harness: RunnerHarness
    var broker: ScriptedBroker
    var connection: Connection?
    var bodies = Bodies(directory: "/tmp", largest: 200)
    let makeBroker: () -> ScriptedBroker

    init(_ options: JobOptions, _ makeBroker: @escaping () -> ScriptedBroker) {
      harness = RunnerHarness(options)
      broker = makeBroker()
      self.makeBroker = makeBroker
    }

    /// Carries out the actions of the runner.
    mutating func perform() {
      switch harness.connection {
      case .connect(let opening):
        var parameters = Connection.Parameters(
          url: BrokerURL(host: "h"), heartbeat: 0, name: "fuzz", initialMethods: opening)
        parameters.maxBodySizeInMemory = 30
        connection = Connection(parameters)
        broker = makeBroker()
      case .disconnect:
        connection = nil
        bodies.discardIncoming()
      case nil: break
      }
      harness.connection = nil
      for method in harness.unsent { try? connection?.send(method.method, on: method.channel) }
      harness.unsent = []
    }

    mutating func take(_ event: Connection.Event) throws {
      switch event {
      case .opened: try harness.handle(.connected(nil))
      case .method(let channel, let method):
        switch method {
        case .channelClose, .channelCloseOK: bodies.discardIncoming(slot: Int(channel) - 1)
        default: break
        }
        try harness.handle(.method(method, channel: channel))
      case .announced(let channel, let delivery): bodies.announce(delivery, slot: Int(channel) - 1)
      case .bodyPart(let channel, let size, let part):
        guard let (message, reason) = bodies.append(part, of: size, slot: Int(channel) - 1) else { return }
        let slot = Int(channel) - 1
        try harness.handle(
          size > 200
            ? .tooLarge(message.envelope, message.properties, slot: slot)
            : .notStored(message.envelope, message.properties, reason: reason, slot: slot))
      case .delivered(let channel, let delivery):
        let slot = Int(channel) - 1
        guard let body = bodies.complete(delivery, slot: slot) else { return }
        try bodies.keep(body, slot: slot)
        try harness.handle(.delivered(delivery.envelope, delivery.properties, digest: 1, slot: slot))
      case .returned, .closed: break
      }
    }

    mutating func lose(_ detail: String) throws {
      connection = nil
      bodies.discardIncoming()
      try harness.handle(.connectionFailed(BrokerFailure(.lost, broker: BrokerURL(host: "h"), detail: detail)))
    }

    /// Passes the client's bytes to the broker and its answer back, which may be damaged.
    mutating func exchange(_ random: inout Random, isDamaged: Bool) throws {
      guard let sent = connection?.output, !sent.isEmpty else { return }
      connection?.output = []
      var answer = broker.answer(sent)
      if isDamaged { random.damage(&answer) }
      guard !answer.isEmpty else { return }
      do {
        for event in try connection?.receive(answer, now: .now) ?? [] {
          guard connection != nil else { return }
          try take(event)
          perform()
        }
        try connection?.tick(now: .now)
      } catch let error as AMQPError {
        try lose("\(error)")
      }
    }
  }

  @Test("A runner keeps its promises whatever bytes a broker sends") func damagedConversations() {
    property("runners, and a broker's bytes damaged") { random in
      let options = random.jobOptions()
      let items = try (0..<Int.random(in: 0...5, using: &random)).map { _ in
        let properties = random.chance(1, in: 5) ? [0, 1] : try Codec().encode(random.properties(), limit: Self.limit)
        return (properties: properties, body: random.bytes(upTo: 300))
      }
      let (hasRetries, damage) = (random.chance(1, in: 2), random.one(of: [0, 1, 3]))
      let slots = options.slotCount
      var conversation = Conversation(options) { ScriptedBroker(slots: slots, hasRetries: hasRetries, items: items) }
      try conversation.harness.start()
      for _ in 0..<80 where !conversation.harness.isFinished {
        conversation.perform()
        if random.chance(2, in: 3) {
          try conversation.exchange(&random, isDamaged: random.chance(damage, in: 10))
        } else {
          try conversation.harness.somethingOfOurs(&random)
        }
      }
    }
  }
}
