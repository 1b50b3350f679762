internal import AMQP
internal import Broker
internal import Console

/// Sending failed items to the dead-letter exchange of the queue's owner: the runner publishes them to it, or rejects them, and the
/// broker dead-letters them. The broker drops what is rejected if the queue has no dead-letter exchange. AMQP shows a dead-letter
/// exchange among the queue's arguments, but not one that a policy gives the queue.
extension Runner {
  var rejectsFailures: Bool { options.attempts.onFailure == .reject }

  /// Asks whether the target of dead letters exists, if that can be known.
  mutating func searchTarget() -> [RunnerAction] {
    guard case .deadLettering(let target?) = policy.standing,
      options.attempts.needTarget || target == queue.deadLetterTarget
    else { return [] }
    return DeadLetterTargetSearch(target, on: sideChannel).map { [.send(inspection.ask($0))] } ?? []
  }

  mutating func targetSearched(
    _ method: Method, on channel: UInt16
  ) -> [RunnerAction] {
    guard let search = inspection.targetSearch, let finding = inspection.takeTarget(method, on: channel) else {
      return []
    }
    switch finding {
    case .found: return warnOfMissingRetries(search.target) + targetFound()
    case .absent:
      let unserved = UnservedQueue(options.attempts, missing: search.target, of: queue, place: queueLabel)
      return breakOff(unserved.status, unserved.line)
    case .refused(let reason): return queueRefused(reason)
    }
  }

  /// Warns once of a queue that looks as if it had lost its retry queue.
  private mutating func warnOfMissingRetries(_ target: DeadLetterTarget) -> [RunnerAction] {
    guard !inspection.wasComplete, inspection.neighbours == .absent, target == queue.deadLetterTarget else { return [] }
    return [said(.warning, MissingRetryQueue(of: queue, place: queueLabel).line)]
  }

  /// Warns that rejected items may be dropped.
  mutating func warnOfDrops() -> [RunnerAction] {
    guard rejectsFailures, policy.showsNoExchange else { return [] }
    return [
      said(
        .warning,
        "\(queueLabel) names no dead-letter exchange: the broker drops each item that fails, unless a policy gives the queue one"
          + "\(naming: .onFailure)")
    ]
  }
}
