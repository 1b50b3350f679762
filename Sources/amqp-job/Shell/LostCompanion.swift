import Arguments
import Broker
import Console

/// The warning that a queue's retry or dead-letter queue has disappeared. AMQP does not show why. One possible cause is a policy
/// of the broker with `expires`: it deletes unused queues, and these two never have a consumer.
struct LostCompanion {
  /// Who made a queue and what is left beside it, judged by how they are declared.
  enum Origin: Hashable {
    /// `declare`, with this type for the queue.
    case declared(WorkQueue.Kind)
    /// Another program. It needs no retry queue, and may have a queue of its own for dead letters.
    case other
    /// The user may not know, or the queue has further arguments.
    case unknown
  }

  private static let cause =
    "somebody deleted it, or a policy of the broker's with 'expires' did, and what was in it is gone"

  let warning: LogEntry

  /// The companion queue `name` was declared again for `queue`, which existed.
  init(remade name: String, of queue: String, at broker: String) {
    warning = LogEntry(
      .warning, "queue '\(name)' was missing beside queue '\(queue)' at \(broker), and is made anew: \(Self.cause)")
  }

  /// nil if another program made the queue.
  init?(_ missing: MissingCompanion, _ origin: Origin, at broker: String) {
    let place = "queue '\(missing.name)' is not to be seen beside queue '\(missing.present)' at \(broker)"
    let cure = "'amqp-job declare \(missing.queue.name.shellWord)"
    switch origin {
    case .other: return nil
    case .unknown:
      warning = LogEntry(
        .warning,
        "\(place): if 'amqp-job declare' made it, \(Self.cause), and \(cure)', with the options that made it, makes it anew"
      )
    case .declared(let kind):
      let type = kind == Declare.type.defaultValue ? "" : " \(Declare.type) \(kind)"
      warning = LogEntry(
        .warning, "\(place): unless there is no permission to look, \(Self.cause); \(cure)\(type)' makes it anew")
    }
  }
}

/// A retry or a dead-letter queue that is missing where the other one exists.
struct MissingCompanion {
  let queue: WorkQueue
  let name: String
  /// The one that exists.
  let present: String

  /// nil unless exactly one of the two exists.
  init?(_ figures: QueueFigures) {
    guard (figures.retry == nil) != (figures.dead == nil) else { return nil }
    queue = WorkQueue(figures.name)
    (name, present) = figures.retry == nil ? (queue.retryName, queue.deadName) : (queue.deadName, queue.retryName)
  }

  func origin(_ session: BrokerSession) throws(ConversationError) -> LostCompanion.Origin {
    let questionnaire = QueueQuestionnaire(queue, session)
    let declaration = present == queue.deadName ? queue.deadDeclaration : queue.retryDeclaration
    guard let isOurs = try questionnaire.isThere(declaration) else { return .unknown }
    guard isOurs else { return .other }
    for kind in WorkQueue.Kind.allCases {
      guard let isOfKind = try questionnaire.isThere(queue.declaration(kind)) else { return .unknown }
      if isOfKind { return .declared(kind) }
    }
    return .unknown
  }
}
