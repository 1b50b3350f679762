internal import AMQP
internal import Broker
internal import Console

/// Why the broker does not let a candidate have the election's queue.
struct RefusedQueue {
  let status: ExitStatus
  let line: LogMessage
  /// The broker may think otherwise after a while.
  let mayPass: Bool

  init(_ reason: CloseReason, queue: String, place: String) {
    switch reason.refusal {
    case .notPermitted:
      (status, line, mayPass) = (.notPermitted, "no permission for \(place): \(reason.text)", false)
    case .nodeIsDown, .trouble:
      (status, line, mayPass) = (.unreachable, "\(place) is away: \(reason.text)", true)
    case .ownedByAnother, .consumedByAnother:
      (status, line, mayPass) = (.temporaryFailure, "\(place) is in use: \(reason.text)", true)
    case .noQueue, .noExchange, .tooLarge, .unfit:
      (status, line, mayPass) = (.wrongQueue, "cannot use \(place) for an election: \(reason.text)", false)
    }
  }
}
