internal import AMQP
internal import Broker

/// Finds out whether a queue is one that a runner can serve (no stream; and where it has to last, durable, not
/// auto-delete, and not exclusive), and whether it has a retry and a dead-letter queue.
///
/// AMQP has no question for the first. But a declaration of an existing queue with other properties is
/// refused, and the refusal names the first property that differs. So one is sent that every queue
/// differs from, and that could not create one: its argument types are invalid. Streams know none
/// of these arguments: they either differ in another one, or accept.
///
/// Each question has a channel of its own, which a refusal closes. The queue is declared last of the three, so it is
/// asked for first: where it is there, so are the others.
struct QueueInspection: Hashable, Sendable {
  enum Verdict: Hashable, Sendable {
    /// Not for us, and why.
    case unsupported(String)
    case refused(CloseReason)
    /// One for us; what it has beside it is not known yet.
    case serviceableSoFar
    case serviceable(hasRetries: Bool)
  }

  private enum Kind: Hashable, Sendable {
    case lasting
    /// It may go before its items do, and why.
    case transient(String)
    case stream
  }

  private let queues: [String]
  private let kindChannel: UInt16
  private let familyChannel: UInt16
  private let mayBeTransient: Bool
  private var kind: Kind?
  /// How many of the three queues have been found.
  private var foundCount = 0
  private var familyEnd: CloseReason?

  /// Uses the channel `channel` and the one after it.
  init(queue: WorkQueue, channel: UInt16, mayBeTransient: Bool) {
    self.mayBeTransient = mayBeTransient
    // Longer names than AMQP has cannot be those of queues.
    queues = [queue.name, queue.retryName, queue.deadName].filter { $0.utf8.count <= 255 }
    kindChannel = channel
    familyChannel = channel + 1
  }

  var questions: [ChannelMethod] {
    var arguments = Self.foreignArguments
    arguments.append("x-queue-type", .string("stream"))
    let unlike = Method.queueDeclare(.init(name: ByteString(queues[0]), arguments: arguments))
    let passive = queues.map { Method.queueDeclare(.init(name: ByteString($0), isPassive: true)) }
    return [ChannelMethod(.channelOpen, on: kindChannel), ChannelMethod(unlike, on: kindChannel)]
      + ([.channelOpen] + passive).map { ChannelMethod($0, on: familyChannel) }
  }

  /// Takes what came on one of the two channels; the verdict, once there is one, and what leads to it.
  mutating func take(_ answer: Method, on channel: UInt16) -> Verdict? {
    guard channel == kindChannel || channel == familyChannel else { return nil }
    switch answer {
    case .queueDeclareOK where channel == kindChannel: kind = .stream
    case .queueDeclareOK: foundCount += 1
    case .channelClose(let reason) where channel == kindChannel: kind = Self.kind(from: reason)
    case .channelClose(let reason): familyEnd = reason
    default: return nil
    }
    return verdict
  }

  private var verdict: Verdict? {
    guard let kind else { return nil }
    switch kind {
    case .stream: return .unsupported("it is a stream")
    case .transient(let why) where !mayBeTransient: return .unsupported(why)
    case .lasting, .transient: break
    }
    if foundCount == queues.count { return .serviceable(hasRetries: foundCount == 3) }
    guard let familyEnd else { return foundCount > 0 ? .serviceableSoFar : nil }
    let isAlone = foundCount > 0 && familyEnd.meansNoSuchQueue
    return isAlone ? .serviceable(hasRetries: false) : .refused(familyEnd)
  }

  /// Known to classic and to quorum queues, each with a value of a type that it does not take.
  private static let foreignArguments: FieldTable = [
    "x-expires": .string("amqp-job"), "x-message-ttl": .string("amqp-job"),
    "x-dead-letter-exchange": .int32(1), "x-dead-letter-routing-key": .int32(1),
    "x-max-length": .string("amqp-job"), "x-overflow": .int32(1),
    "x-single-active-consumer": .string("amqp-job"),
  ]

  private static func kind(from reason: CloseReason) -> Kind {
    // The protocol has one code for every difference; which one it is stands in the text alone.
    guard reason.code == .preconditionFailed, let name = differingArgument(in: reason.text) else {
      return .lasting
    }
    switch name {
    case "durable": return .transient("it is not durable")
    case "auto_delete", "auto-delete": return .transient("it deletes itself with its last consumer")
    case "exclusive": return .transient("it belongs to one connection")
    case "x-queue-type": return .lasting
    default:
      return foreignArguments[ByteString(name)] != nil ? .lasting : .stream
    }
  }

  /// RabbitMQ says "inequivalent arg 'NAME' for queue ...".
  private static func differingArgument(in text: String) -> String? {
    let parts = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count > 1, parts[0].hasSuffix("inequivalent arg ") else { return nil }
    return String(parts[1])
  }
}
