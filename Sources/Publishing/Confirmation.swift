package import AMQP

/// A report of the broker about messages that were published to it
/// (<https://www.rabbitmq.com/docs/confirms#publisher-confirms>).
enum Confirmation: Hashable {
  /// The message with this delivery tag is in a queue. With `multiple`, this is true of all messages up to it.
  case accepted(UInt64, multiple: Bool)
  /// The message with this delivery tag is in no queue. With `multiple`, this is true of all messages up to it.
  case rejected(UInt64, multiple: Bool)
  /// No queue takes this message, which was mandatory. Its acknowledgement follows.
  case returned(ReturnedMessage)
  /// The broker has closed the channel. It reports nothing more about the messages on it.
  case channelClosed(CloseReason)
  /// The broker is short of memory or disk space, and has stopped reading from the connection.
  case blocked(reason: String)
  case unblocked

  /// Decodes an event of a connection. The result is nil if the event is not about published messages. The channel is 0
  /// for `blocked` and `unblocked`, which apply to the whole connection.
  static func decode(_ event: Connection.Event) -> (channel: UInt16, confirmation: Confirmation)? {
    switch event {
    case .returned(let channel, let message): (channel, .returned(message))
    case .method(let channel, let method): decode(method).map { (channel, $0) }
    default: nil
    }
  }

  private static func decode(_ method: Method) -> Confirmation? {
    switch method {
    case .basicAck(let tag, let multiple): .accepted(tag, multiple: multiple)
    case .basicNack(let tag, let multiple, _): .rejected(tag, multiple: multiple)
    case .channelClose(let reason): .channelClosed(reason)
    case .connectionBlocked(let reason): .blocked(reason: reason)
    case .connectionUnblocked: .unblocked
    default: nil
    }
  }
}

/// The reason why a published message is in no queue.
package enum PublishRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// The destination has no queue for the message.
  case unroutable
  /// The queue is full, or is in trouble.
  case rejected
  /// The broker closed the channel because of the message.
  case closed(CloseReason)
  /// The queue is there for the runners of another queue, and this is what it does for them.
  case reserved(purpose: String)

  package var description: String {
    switch self {
    case .unroutable: "no queue is there for it"
    case .rejected: "the broker rejected it"
    case .closed(let reason): reason.text
    case .reserved(let purpose): "it \(purpose), and nothing else may be in it"
    }
  }
}
