internal import AMQP
internal import Broker
internal import Console

/// Rejecting failed items. The broker dead-letters them, or drops them if the queue has no dead-letter exchange. AMQP shows a
/// dead-letter exchange among the queue's arguments, but not one that a policy gives the queue.
extension Runner {
  var rejectsFailures: Bool { options.attempts.onFailure == .reject }

  /// What the queue is taken for. A user who asks for rejections also says that there is a dead-letter exchange.
  func accepted(_ standing: QueueTopology) -> QueueTopology {
    if case .plain = standing, rejectsFailures { .deadLettering(nil) } else { standing }
  }

  /// Asks whether the target of dead letters exists, if that can be known.
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
        "\(queueLabel) sends its dead letters to \(search.label), which is not there: the broker would drop each item that fails"
          + "\(naming: .onFailure); make that \(search.target.exchange.isEmpty ? "queue" : "exchange"), or do not reject failed items"
      )
    case .refused(let reason): return queueRefused(reason)
    }
  }

  /// Warns once that rejected items may be dropped.
  mutating func warnOfDrops(_ standing: QueueTopology) -> [RunnerAction] {
    guard rejectsFailures, case .plain = standing, !inspection.wasComplete else { return [] }
    return [
      said(
        .warning,
        "\(queueLabel) names no dead-letter exchange that can be seen: the broker drops each item that fails, unless a policy of its "
          + "gives the queue one\(naming: .onFailure)")
    ]
  }
}
