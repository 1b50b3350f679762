package import AMQP
internal import Broker
package import Console

/// A broker's refusal in a line for people, with what to do about it if that is known, and the exit status.
package struct ExplainedRefusal: Hashable, Sendable {
  package var status: ExitStatus
  package var line: LogMessage

  /// `place` is what was asked about, the queue of that name, for messages.
  package init(_ reason: CloseReason, queue: String, place: String) {
    let text = reason.text
    switch reason.refusal {
    case .noQueue where Destination.queue(queue).isDirectReply:
      (status, line) = (.noQueue, "nobody waits for a reply in \(place) any more")
    case .noQueue where reason.meansNoCompanion(of: WorkQueue(queue)):
      (status, line) = (.wrongQueue, "a queue that belongs to \(place) is missing: \(text)")
    case .noQueue:
      (status, line) = (.noQueue, "there is no \(place)\(MissingQueue(queue).advice)")
    case .noExchange:
      (status, line) = (.noQueue, "\(place): \(text); check its name, since amqp-job does not make it")
    case .nodeIsDown: (status, line) = (.unreachable, "\(place) is away: \(text)")
    case .notPermitted: (status, line) = (.notPermitted, "no permission for \(place): \(text)")
    case .consumedByAnother:
      (status, line) = (
        .temporaryFailure, "\(place) has an exclusive consumer, and takes no other until that one ends: \(text)"
      )
    case .ownedByAnother:
      (status, line) = (
        .wrongQueue,
        "\(place) belongs to another connection, which alone can use it; the broker deletes it with that connection: \(text)"
      )
    case .tooLarge: (status, line) = (.refusedData, "too large for \(place): \(text)")
    case .trouble: (status, line) = (.temporaryFailure, "\(place) is in trouble: \(text)")
    case .unfit where reason.meansStream: (status, line) = (.wrongQueue, "cannot serve \(place): it is a stream")
    case .unfit: (status, line) = (.wrongQueue, "cannot use \(place): \(text)")
    }
  }
}
