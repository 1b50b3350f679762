package import AMQP

/// What a broker means by closing a channel over a queue. The protocol has few codes: what a code means here stands in
/// the text alone (RabbitMQ's), and a text that says nothing known leaves the code's own meaning.
package enum Refusal: Hashable, Sendable {
  case noQueue
  case noExchange
  /// The queue is there. The node that it lives on is away, and may be back.
  case nodeIsDown
  case notPermitted
  /// Another consumer has asked to be the only one.
  case consumedByAnother
  /// It is another connection's, and goes with it.
  case ownedByAnother
  /// A message is larger than the broker takes.
  case tooLarge
  /// An error of the broker's own.
  case trouble
  /// The queue cannot be used like that.
  case unfit
}

extension CloseReason {
  package var refusal: Refusal {
    switch code {
    case .notFound where text.hasSuffix("is down or inaccessible"): .nodeIsDown
    case .notFound where text.hasPrefix("NOT_FOUND - no exchange '"): .noExchange
    case .notFound: .noQueue
    case .accessRefused where text.hasSuffix("in exclusive use"): .consumedByAnother
    case .accessRefused: .notPermitted
    case .resourceLocked: .ownedByAnother
    case .internalError: .trouble
    default: isMessageTooLarge ? .tooLarge : .unfit
    }
  }

  /// The queue that was asked for is not there.
  package var meansNoSuchQueue: Bool { refusal == .noQueue }

  /// It is not `queue` itself that is not there, but one of the two that go with it.
  package func meansNoCompanion(of queue: WorkQueue) -> Bool {
    refusal == .noQueue
      && [queue.retryName, queue.deadName].contains { text.hasPrefix("NOT_FOUND - no queue '\($0)' in vhost") }
  }

  /// A consumer kept a message for too long.
  package var isAboutConsumerTimeout: Bool {
    code == .preconditionFailed && text.contains("delivery acknowledgement") && text.contains("timed out")
  }

  /// The token that the connection was made with has run out.
  var meansExpiredCredentials: Bool { code == .connectionForced && text.hasSuffix("credential expired") }

  /// A queue was declared otherwise, and this argument is the first that differs. The text alone says which it is.
  package func differs(in argument: String) -> Bool {
    code == .preconditionFailed && text.contains("inequivalent arg '\(argument)'")
  }
}
