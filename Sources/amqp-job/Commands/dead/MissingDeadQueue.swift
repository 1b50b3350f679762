import Broker
import Console
import JobRunner

/// Why there is no dead-letter queue beside a queue that is there, and what leads to its dead letters.
enum MissingDeadQueue: Hashable {
  /// The queue has no dead letters.
  case plain
  /// The queue's owner has arranged where its dead letters go. The target is nil if it is not known.
  case elsewhere(DeadLetterTarget?)
  /// The queue dead-letters into it, and it is gone.
  case deleted
  /// amqp-job does not serve the queue, for this reason.
  case unserved(String)
  /// The user may not find out what the queue is.
  case unknown

  init(beside queue: WorkQueue, _ verdict: QueueInspection.Verdict) {
    self =
      switch verdict {
      case .known(.declared, _): .deleted
      case .known(.deadLettering(let target?), _) where target.isDefaultExchange && target.routingKey == queue.deadName:
        .deleted
      case .known(.deadLettering(let target), _): .elsewhere(target)
      case .known(.plain, _), .transient: .plain
      case .unsupported(let why): .unserved(why)
      case .unknowable, .refused, .ask: .unknown
      }
  }

  /// The refusal, where `place` is the dead-letter queue for messages. Each way that it names leads to an end.
  func failure(_ queue: WorkQueue, _ place: String) -> Failure {
    Failure(.noQueue, "there is no \(place) beside queue '\(queue.name)', \(advice(on: queue))")
  }

  private func advice(on queue: WorkQueue) -> String {
    let name = queue.name.shellWord
    let remaking =
      "remove that queue ('amqp-job declare \(name) --delete --if-empty') and make it anew ('amqp-job declare \(name)')"
    return switch self {
    case .plain: "which stands alone, so its failed items go back to it; to have retries and dead letters, \(remaking)"
    case .elsewhere(let target):
      "whose dead letters go \(target?.way ?? "to an exchange of its own"), as 'run --max-attempts' sends them, too"
    case .deleted:
      "which dead-letters into it: somebody deleted it, or a policy of the broker's with 'expires' did; 'amqp-job declare \(name)', "
        + "with the options that made it, makes it anew"
    case .unserved(let why): "which amqp-job does not serve: \(why)"
    case .unknown:
      "and there is no permission to see why; if that queue stands alone, \(remaking); if it has a dead-letter exchange of its own, "
        + "its dead letters went there"
    }
  }
}

extension DeadLetterTarget {
  fileprivate var isDefaultExchange: Bool { exchange.isEmpty }

  /// Where the dead letters go, and how a user gets at them.
  fileprivate var way: String {
    guard isDefaultExchange else {
      let key = routingKey.map { " with the routing key '\($0)'" } ?? ""
      return "to exchange '\(exchange)'\(key), and from there into the queues that are bound to it"
    }
    guard let routingKey else { return "to the queues that their routing keys name" }
    let owner = WorkQueue(routingKey).family
    let reading =
      owner.deadName == routingKey
      ? "'amqp-job dead list \(owner.name.shellWord)' shows them"
      : "'amqp-job run -q \(routingKey.shellWord)' takes them"
    return "to queue '\(routingKey)' (\(reading))"
  }
}
