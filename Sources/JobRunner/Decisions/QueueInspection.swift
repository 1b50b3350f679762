internal import AMQP

/// Finds out whether a queue is one that a runner can serve: durable, not auto-delete, not
/// exclusive, and no stream.
///
/// AMQP has no question for that. But a declaration of an existing queue with other properties is
/// refused, and the refusal names the first property that differs. So one is sent that every queue
/// differs from, and that could not create one: its argument types are invalid. Streams know none
/// of these arguments: they either differ in another one, or accept.
enum QueueInspection {
  static let channel: UInt16 = 2

  /// Known to classic and to quorum queues, each with a value of a type that it does not take.
  private static let foreignArguments: FieldTable = [
    "x-expires": .string("amqp-job"), "x-message-ttl": .string("amqp-job"),
    "x-dead-letter-exchange": .int32(1), "x-dead-letter-routing-key": .int32(1),
    "x-max-length": .string("amqp-job"), "x-overflow": .int32(1),
    "x-single-active-consumer": .string("amqp-job"),
  ]

  /// What to send on a channel of its own; the broker closes it.
  static func request(queue: String) -> [ChannelMethod] {
    var arguments = foreignArguments
    arguments.append("x-queue-type", .string("stream"))
    let declare = Method.queueDeclare(.init(name: ByteString(queue), arguments: arguments))
    return [ChannelMethod(.channelOpen, on: channel), ChannelMethod(declare, on: channel)]
  }

  enum Verdict: Hashable {
    case serviceable
    /// Not for us, and why.
    case unsupported(String)
  }

  /// nil for what is no answer to the request.
  static func verdict(on answer: Method) -> Verdict? {
    switch answer {
    case .queueDeclareOK: .unsupported("it is a stream")
    case .channelClose(let reason): verdict(on: reason)
    default: nil
    }
  }

  private static func verdict(on reason: CloseReason) -> Verdict {
    // The protocol has one code for every difference; which one it is stands in the text alone.
    guard reason.code == .preconditionFailed, let name = differingArgument(in: reason.text) else {
      return .serviceable
    }
    switch name {
    case "durable": return .unsupported("it is not durable")
    case "auto_delete", "auto-delete": return .unsupported("it deletes itself with its last consumer")
    case "exclusive": return .unsupported("it belongs to one connection")
    case "x-queue-type": return .serviceable
    default:
      return foreignArguments[ByteString(name)] != nil
        ? .serviceable : .unsupported("it is a stream")
    }
  }

  /// RabbitMQ says "inequivalent arg 'NAME' for queue ...".
  private static func differingArgument(in text: String) -> String? {
    let parts = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count > 1, parts[0].hasSuffix("inequivalent arg ") else { return nil }
    return String(parts[1])
  }
}
