import AMQP
import Broker
import Console
import JobRunner

/// A queue about which `status` has to know as much as a runner, before it can tell whether the queue is drained.
struct InspectedQueue {
  let standing: QueueTopology

  /// Asks the broker about the queue. Fails also where items may wait for their return in a place that the user cannot see.
  init(_ queue: WorkQueue, _ session: BrokerSession) throws(ConversationError) {
    let place = "queue '\(queue.name)' at \(session.broker)"
    let questionnaire = QueueQuestionnaire(queue, session)
    let (standing, neighbours) = try Self.inspect(questionnaire, place)
    self.standing = standing
    guard case .plain = standing else { return }
    switch neighbours {
    case .absent: break
    case .hidden: throw .failed(Self.hidden(queue, place))
    case .unknown: try Self.searchNeighbours(questionnaire, place)
    }
  }

  private static func inspect(
    _ questionnaire: QueueQuestionnaire, _ place: String
  ) throws(ConversationError) -> (QueueTopology, QueueInspection.Neighbours) {
    switch try questionnaire.inspect() {
    case .unsupported(let why): throw .failed(Failure(.wrongQueue, "cannot tell whether \(place) is drained: \(why)"))
    case .transient(let why):
      throw .failed(Failure(.wrongQueue, "cannot tell whether \(place) is drained: it \(why.predicate)"))
    case .unknowable(let why): throw .failed(Failure(.notPermitted, "cannot tell whether \(place) is drained: \(why)"))
    case .refused(let reason): throw questionnaire.explained(reason)
    case .ask: preconditionFailure("has been answered")
    case .known(let standing, let neighbours): return (standing, neighbours)
    }
  }

  private static func searchNeighbours(
    _ questionnaire: QueueQuestionnaire, _ place: String
  ) throws(ConversationError) {
    let queue = questionnaire.queue
    switch try questionnaire.searchNeighbours() {
    case .absent: return
    case .hidden: throw .failed(hidden(queue, place))
    case .found:
      throw .failed(
        Failure(
          .wrongQueue,
          "cannot tell whether \(place) is drained: there are queues '\(queue.retryName)' and '\(queue.deadName)' "
            + "beside it, and it is not what 'amqp-job declare' makes with them\(UnservedQueue.adviceOnNeighbours(of: queue))"
        ))
    case .refused(let reason): throw questionnaire.explained(reason)
    }
  }

  private static func hidden(_ queue: WorkQueue, _ place: String) -> Failure {
    Failure(
      .notPermitted,
      "cannot tell whether \(place) is drained: the user may not look for queue '\(queue.retryName)'; "
        + "grant a permission on it")
  }
}
