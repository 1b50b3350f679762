package import AMQP

/// The queues and exchanges through which an item gets to its queue after a delay, without a plugin.
///
/// There is a level for each power of two seconds: a topic exchange, and a quorum queue in which an item stays for that
/// time. All items of a queue stay equally long, so none waits behind another that is due later. The queue dead-letters
/// into the exchange of the next lower level. The routing key has a word for each level, by which its exchange puts the
/// item into the queue or passes it on. Below the lowest level, a queue for each target hands the items to it, so that
/// a target that is full or gone holds up no others.
///
/// All queues dead-letter at least once, so that a message leaves one only when the next one has confirmed it.
package enum DelayLadder {
  private static let levelCount = 25

  /// The longest delay. It is about 388 days.
  package static let maxDelay: Duration = .seconds((1 << levelCount) - 1)

  private static let prefix = "amqp-job.delay."

  /// What the names of all the queues and exchanges match, as a user would say it.
  package static let names = prefix + "*"

  /// The exchange below the lowest level.
  private static let end = ByteString(prefix + "end")

  /// The exchange of a level, and its queue. An item stays in the queue for 2^`level` seconds.
  private static func name(of level: Int) -> ByteString { ByteString("\(prefix)\(level)") }

  /// The queue from which the items get to `target`. It is empty unless the target takes none.
  package static func lastQueue(to target: String) -> String { prefix + "to." + target }

  private static func highestLevel(of seconds: Int) -> Int { Int.bitWidth - 1 - seconds.leadingZeroBitCount }

  // MARK: Items

  /// Where to publish an item that is to be in the queue `target` after so many seconds, which are at least 1.
  package static func entrance(to target: String, after seconds: Int) -> Destination {
    let highest = highestLevel(of: seconds)
    let words = [word(for: target)] + (0...highest).map { "\(seconds >> $0 & 1)" }
    return Destination(exchange: name(of: highest).description, routingKey: words.joined(separator: "."))
  }

  /// The size of the longest name of a target in bytes. The marks that are percent-encoded count three times.
  package static let maxNameSize = 255 - 2 * levelCount

  /// Whether the names for a queue are short enough for AMQP, whatever the delay.
  package static func takes(_ target: String) -> Bool {
    let longest = entrance(to: target, after: (1 << levelCount) - 1)
    return ShortString(longest.routingKey) != nil && ShortString(lastQueue(to: target)) != nil
  }

  /// The name as one word of a topic. The marks of topics are percent-encoded.
  private static func word(for target: String) -> String {
    var word: [UInt8] = []
    for byte in target.utf8 {
      switch byte {
      case UInt8(ascii: "."): word += "%2E".utf8
      case UInt8(ascii: "*"): word += "%2A".utf8
      case UInt8(ascii: "#"): word += "%23".utf8
      case UInt8(ascii: "%"): word += "%25".utf8
      default: word.append(byte)
      }
    }
    return String(decoding: word, as: UTF8.self)
  }

  // MARK: Declarations

  /// The methods that ask whether the queue `target` exists, and make what is missing for delays of up to so many
  /// seconds, which are at least 1.
  package static func declarations(to target: String, upTo seconds: Int) -> [Method] {
    let last = ByteString(lastQueue(to: target))
    let target = (name: ByteString(target), word: word(for: target))
    return [
      .queueDeclare(.init(name: target.name, isPassive: true)),
      .exchangeDeclareTopic(exchange: end),
      .queueDeclare(queue(last, milliseconds: 0, into: "", ["x-dead-letter-routing-key": .string(target.name)])),
      .queueBind(queue: last, exchange: end, routingKey: ByteString("\(target.word).#")),
    ] + (0...highestLevel(of: seconds)).flatMap(declarations(of:))
  }

  private static func declarations(of level: Int) -> [Method] {
    let name = name(of: level)
    let lower = level == 0 ? end : Self.name(of: level - 1)
    let others = String(repeating: "*.", count: level + 1)
    return [
      .exchangeDeclareTopic(exchange: name),
      .queueDeclare(queue(name, milliseconds: 1000 << level, into: lower)),
      .queueBind(queue: name, exchange: name, routingKey: ByteString("\(others)1.#")),
      .exchangeBind(destination: lower, source: name, routingKey: ByteString("\(others)0.#")),
    ]
  }

  /// A queue in which a message stays for this time.
  private static func queue(
    _ name: ByteString, milliseconds: Int, into exchange: ByteString, _ others: FieldTable = [:]
  ) -> Method.QueueDeclaration {
    var arguments: FieldTable = [
      "x-queue-type": .string("quorum"), "x-message-ttl": .int64(Int64(milliseconds)),
      "x-dead-letter-exchange": .string(exchange), "x-dead-letter-strategy": .string("at-least-once"),
      "x-overflow": .string("reject-publish"),
    ]
    arguments.entries += others.entries
    return .init(name: name, arguments: arguments)
  }

  // MARK: Records of the broker

  /// Whether all that the broker records of dead-lettering, as `x-death`, happened to a message while it was delayed.
  static func isOnlyTrace(_ deaths: FieldValue?) -> Bool {
    guard case .array(let deaths)? = deaths, !deaths.isEmpty else { return false }
    return deaths.allSatisfy { death in
      guard case .table(let death) = death else { return false }
      return death.string("queue")?.description.hasPrefix(prefix) == true
    }
  }
}
