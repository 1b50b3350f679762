import AMQP
import Testing

@testable import Broker

/// The way of delayed items. The tests route them by the declarations, as a broker would.
@Suite struct DelayLadderTests {
  private struct Binding: Hashable {
    let pattern: [Substring]
    let destination: ByteString
    let isQueue: Bool
  }

  /// What a broker would know after the declarations.
  private struct Topology {
    var bindings: [ByteString: Set<Binding>] = [:]
    var queues: [ByteString: FieldTable] = [:]

    init(_ declarations: [AMQP.Method]) {
      for method in declarations {
        switch method {
        case .queueDeclare(let declaration) where !declaration.isPassive:
          queues[declaration.name] = declaration.arguments
        case .queueBind(let queue, let exchange, let key): bind(queue, to: exchange, key, isQueue: true)
        case .exchangeBind(let destination, let source, let key): bind(destination, to: source, key, isQueue: false)
        default: break
        }
      }
    }

    private mutating func bind(_ name: ByteString, to exchange: ByteString, _ key: ByteString, isQueue: Bool) {
      let pattern = key.description.split(separator: ".", omittingEmptySubsequences: false)
      bindings[exchange, default: []].insert(Binding(pattern: pattern, destination: name, isQueue: isQueue))
    }

    /// The queues that a message passes, and the seconds that it spends there, until it is in its target.
    func way(of entrance: Destination) -> (seconds: Int, queues: [String], target: String)? {
      var (exchange, key, seconds, passed) = (ByteString(entrance.exchange), entrance.routingKey, 0, [String]())
      while !exchange.isEmpty {
        let words = key.split(separator: ".", omittingEmptySubsequences: false)
        let matching = (bindings[exchange] ?? []).filter { Self.matches($0.pattern[...], words[...]) }
        guard matching.count == 1, let binding = matching.first else { return nil }
        guard binding.isQueue else {
          exchange = binding.destination
          continue
        }
        guard let arguments = queues[binding.destination], let ttl = arguments["x-message-ttl"]?.integer,
          let next = arguments.string("x-dead-letter-exchange")
        else { return nil }
        passed.append(binding.destination.description)
        seconds += Int(ttl) / 1000
        exchange = next
        if let newKey = arguments.string("x-dead-letter-routing-key") { key = newKey.description }
      }
      return (seconds, passed, key)
    }

    private static func matches(_ pattern: ArraySlice<Substring>, _ words: ArraySlice<Substring>) -> Bool {
      guard let first = pattern.first else { return words.isEmpty }
      if first == "#" {
        return matches(pattern.dropFirst(), words) || !words.isEmpty && matches(pattern, words.dropFirst())
      }
      guard let word = words.first, first == "*" || first == word else { return false }
      return matches(pattern.dropFirst(), words.dropFirst())
    }
  }

  private static let names = ["fruits", "a.b", "*", "#", "1", "0.1", "100%", "a.#", "%2E", "größe \u{1F34E}"]

  @Test(
    "An item waits for exactly its delay on the way to its queue, and never twice in one queue", arguments: names)
  func delays(name: String) throws {
    let topology = Topology(
      Self.names.flatMap { DelayLadder.declarations(to: $0, upTo: Int(DelayLadder.maxDelay.components.seconds)) })
    for seconds in [1, 2, 3, 4, 5, 6, 7, 60, 3600, 86_399, 86_400, 604_801, (1 << 25) - 1] {
      let way = try #require(topology.way(of: DelayLadder.entrance(to: name, after: seconds)))
      #expect(way.seconds == seconds && way.target == name)
      #expect(Set(way.queues).count == way.queues.count)
    }
  }

  @Test("Only the levels that a delay needs are declared", arguments: [(1, 1), (2, 2), (3, 2), (4, 3), (3600, 12)])
  func levels(seconds: Int, count: Int) {
    let declarations = DelayLadder.declarations(to: "q", upTo: seconds)
    #expect(declarations.count { if case .exchangeBind = $0 { true } else { false } } == count)
    let entrance = DelayLadder.entrance(to: "q", after: seconds)
    #expect(declarations.contains(.exchangeDeclareTopic(exchange: ByteString(entrance.exchange))))
  }

  @Test("The queue has to exist, and each other one is safe") func safety() {
    let declarations = DelayLadder.declarations(to: "q", upTo: 100)
    #expect(declarations.first == .queueDeclare(.init(name: "q", isPassive: true)))
    for arguments in Topology(declarations).queues.values {
      #expect(arguments.string("x-queue-type") == "quorum" && arguments.string("x-overflow") == "reject-publish")
      #expect(arguments.string("x-dead-letter-strategy") == "at-least-once")
    }
  }

  @Test(
    "A name whose routing key or queue would be too long is refused",
    arguments: [
      ("a", 205, true), ("a", 206, false), (".", 68, true), (".", 69, false), ("é", 102, true), ("é", 103, false),
    ])
  func lengths(letter: String, count: Int, fits: Bool) {
    #expect(DelayLadder.takes(String(repeating: letter, count: count)) == fits)
  }

  private func properties(_ queues: String..., more: FieldTable = [:]) -> BasicProperties {
    var properties = BasicProperties()
    properties.headers = [
      "own": .int64(1), "x-delivery-count": .int64(2), "x-first-death-queue": .string("amqp-job.delay.1"),
      "x-last-death-reason": .string("expired"),
      "x-death": .array(queues.map { .table(["queue": .string(ByteString($0))]) }),
    ]
    return properties
  }

  @Test("An item that was delayed looks as it was published, but for the count of its returns") func traces() {
    let delayed = properties("amqp-job.delay.to.q", "amqp-job.delay.1").withoutDelay()
    #expect(delayed.headers == ["own": .int64(1), "x-delivery-count": .int64(2)])
    let deadLettered = properties("q", "amqp-job.delay.to.q", "amqp-job.delay.1")
    #expect(deadLettered.withoutDelay() == deadLettered)
    #expect(BasicProperties().withoutDelay() == BasicProperties())
  }
}
