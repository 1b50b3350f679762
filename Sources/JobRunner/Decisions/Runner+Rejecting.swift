internal import AMQP
internal import Broker
internal import Console

/// Failed items that are rejected: the broker dead-letters them, or drops them where the queue has nowhere for them to go. AMQP
/// shows a dead-letter exchange among the queue's arguments, and none that a policy of the broker's gives it.
extension Runner {
  var rejectsFailures: Bool { options.attempts.onFailure == .reject }

  /// What a queue is taken for. Whoever has items rejected vouches for a dead-letter exchange.
  func accepted(_ standing: QueueTopology) -> QueueTopology {
    if case .plain = standing, rejectsFailures { .deadLettering(nil) } else { standing }
  }

  /// Begins to look whether rejected items have somewhere to go, where that can be known.
  mutating func searchTarget() -> [RunnerAction] {
    guard rejectsFailures, case .deadLettering(let target?) = policy.standing else { return [] }
    return DeadLetterTargetSearch(target, on: sideChannel).map { [.send(inspection.ask($0))] } ?? []
  }

  mutating func targetSearched(
    _ method: Method, on channel: UInt16
  ) -> [RunnerAction] {
    guard let search = inspection.targetSearch, let finding = inspection.takeTarget(method, on: channel) else {
      return []
    }
    switch finding {
    case .found: return targetFound()
    case .absent:
      return breakOff(
        .wrongQueue,
        "\(place) sends its dead letters to \(search.place), which is not there: the broker would drop each item that fails"
          + "\(naming: .onFailure); make that \(search.target.exchange.isEmpty ? "queue" : "exchange"), or go without"
      )
    case .refused(let reason): return queueRefused(reason)
    }
  }

  /// What cannot be known is said once.
  mutating func warnOfDrops(_ standing: QueueTopology) -> [RunnerAction] {
    guard rejectsFailures, case .plain = standing, !inspection.wasComplete else { return [] }
    return [
      said(
        .warning,
        "\(place) names no dead-letter exchange that can be seen: the broker drops each item that fails, unless a policy of its "
          + "gives the queue one\(naming: .onFailure)")
    ]
  }
}
