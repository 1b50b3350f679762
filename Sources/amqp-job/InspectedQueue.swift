import AMQP
import Broker
import Console
import JobRunner

/// A queue of which a short command has to know the same as a runner before it consumes from it.
struct InspectedQueue {
  private static let channel: UInt16 = 2

  let standing: QueueStanding

  /// Asks the broker. The queue is one that has nothing waiting for its way back out of our sight.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`, `Failure`
  init(_ queue: WorkQueue, _ session: BrokerSession) throws {
    let place = "queue '\(queue.name)' at \(session.broker)"
    let (standing, neighbours) = try Self.inspect(queue, session, place)
    self.standing = standing
    guard case .plain = standing else { return }
    switch neighbours {
    case .absent: break
    case .hidden: throw Self.hidden(queue, place)
    case .unknown: try Self.lookBeside(queue, session, place)
    }
  }

  private static func inspect(
    _ queue: WorkQueue, _ session: BrokerSession, _ place: String
  ) throws -> (QueueStanding, QueueInspection.Neighbours) {
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

  private static func lookBeside(_ queue: WorkQueue, _ session: BrokerSession, _ place: String) throws {
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

  /// What is asked on a channel that is opened for it.
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
        // The broker closes the channel with a refusal.
        if case .channelClose = method { isOpen = false }
        return method
      }
    }

    func end() throws { if isOpen { try session.closeChannel(channel) } }
  }
}
