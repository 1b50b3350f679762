import AMQP
import Broker
import Console
import JobRunner

/// A queue about which a short command has to know as much as a runner, before it can tell whether the queue is drained.
struct InspectedQueue {
  private static let channel: UInt16 = 2

  let standing: QueueTopology

  /// Asks the broker about the queue.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`; `Failure` where items may wait for their return in a place that the user
  ///   cannot see
  init(_ queue: WorkQueue, _ session: BrokerSession) throws {
    let place = "queue '\(queue.name)' at \(session.broker)"
    let (standing, neighbours) = try Self.inspect(queue, session, place)
    self.standing = standing
    guard case .plain = standing else { return }
    switch neighbours {
    case .absent: break
    case .hidden: throw Self.hidden(queue, place)
    case .unknown: try Self.searchNeighbours(queue, session, place)
    }
  }

  private static func inspect(
    _ queue: WorkQueue, _ session: BrokerSession, _ place: String
  ) throws -> (QueueTopology, QueueInspection.Neighbours) {
    var inspection = QueueInspection(queue: queue, channel: channel, transients: .refused)
    var questions = Questions(session, inspection.questions)
    while true {
      switch inspection.take(try questions.answer(), on: channel) {
      case nil: break
      case .ask(let others): questions = Questions(session, others)
      case .unsupported(let why): throw Failure(.wrongQueue, "cannot tell whether \(place) is drained: \(why)")
      case .transient(let why): throw Failure(.wrongQueue, "cannot tell whether \(place) is drained: it \(why)")
      case .unknowable(let why): throw Failure(.notPermitted, "cannot tell whether \(place) is drained: \(why)")
      case .refused(let reason): throw BrokerSession.CallError.refused(reason)
      case .known(let standing, let neighbours):
        try questions.end()
        return (standing, neighbours)
      }
    }
  }

  private static func searchNeighbours(_ queue: WorkQueue, _ session: BrokerSession, _ place: String) throws {
    guard var search = NeighbourSearch(besidePlain: queue, on: channel) else { return }
    var questions = Questions(session, search.questions)
    while true {
      switch search.take(try questions.answer(), on: channel) {
      case nil: break
      case .absent: return
      case .hidden: throw hidden(queue, place)
      case .found:
        throw Failure(
          .wrongQueue,
          "cannot tell whether \(place) is drained: there are queues '\(queue.retryName)' and '\(queue.deadName)' "
            + "beside it, and it is not what 'amqp-job declare' makes with them")
      case .refused(let reason): throw BrokerSession.CallError.refused(reason)
      }
    }
  }

  private static func hidden(_ queue: WorkQueue, _ place: String) -> Failure {
    Failure(
      .notPermitted,
      "cannot tell whether \(place) is drained: the user may not look for queue '\(queue.retryName)'; "
        + "grant a permission on it")
  }

  /// Questions to the broker, on a channel that is opened for them.
  private struct Questions {
    private let session: BrokerSession
    private var unsent: [ChannelMethod]
    private var isOpen = true

    init(_ session: BrokerSession, _ methods: [ChannelMethod]) { (self.session, unsent) = (session, methods) }

    /// - Throws: `BrokerFailure`, `BrokerSession.CallError`
    mutating func answer() throws -> Method {
      for question in unsent { try session.send(question.method, on: question.channel) }
      unsent = []
      while true {
        guard case .method(channel, let method) = try session.nextEvent(until: .now + BrokerSession.callLimit) else {
          continue
        }
        // A refusal closes the channel.
        if case .channelClose = method { isOpen = false }
        return method
      }
    }

    func end() throws { if isOpen { try session.closeChannel(channel) } }
  }
}
