import AMQP
import Broker
import Console
import JobRunner

/// A queue about which a short command has to know as much as a runner, before it can tell whether the queue is drained.
struct InspectedQueue {
  private static let channel: UInt16 = 2

  let standing: QueueTopology

  /// Asks the broker about the queue. Fails also where items may wait for their return in a place that the user cannot see.
  init(_ queue: WorkQueue, _ session: BrokerSession) throws(ConversationError) {
    let place = "queue '\(queue.name)' at \(session.broker)"
    let (standing, neighbours) = try Self.inspect(queue, session, place)
    self.standing = standing
    guard case .plain = standing else { return }
    switch neighbours {
    case .absent: break
    case .hidden: throw .failed(Self.hidden(queue, place))
    case .unknown: try Self.searchNeighbours(queue, session, place)
    }
  }

  private static func inspect(
    _ queue: WorkQueue, _ session: BrokerSession, _ place: String
  ) throws(ConversationError) -> (QueueTopology, QueueInspection.Neighbours) {
    var inspection = QueueInspection(queue: queue, channel: channel, transients: .refused)
    let conversation = QueueConversation(session) { Failure($0, queue: queue.name, broker: session.broker) }
    var questions = Questions(inspection.questions)
    while true {
      switch inspection.take(try questions.answer(conversation), on: channel) {
      case nil: break
      case .ask(let others): questions = Questions(others)
      case .unsupported(let why): throw .failed(Failure(.wrongQueue, "cannot tell whether \(place) is drained: \(why)"))
      case .transient(let why):
        throw .failed(Failure(.wrongQueue, "cannot tell whether \(place) is drained: it \(why)"))
      case .unknowable(let why):
        throw .failed(Failure(.notPermitted, "cannot tell whether \(place) is drained: \(why)"))
      case .refused(let reason): throw conversation.explained(.refused(reason))
      case .known(let standing, let neighbours):
        try questions.end(conversation)
        return (standing, neighbours)
      }
    }
  }

  private static func searchNeighbours(_ queue: WorkQueue, _ session: BrokerSession, _ place: String)
    throws(ConversationError)
  {
    guard var search = NeighbourSearch(besidePlain: queue, on: channel) else { return }
    let conversation = QueueConversation(session) { Failure($0, queue: queue.name, broker: session.broker) }
    var questions = Questions(search.questions)
    while true {
      switch search.take(try questions.answer(conversation), on: channel) {
      case nil: break
      case .absent: return
      case .hidden: throw .failed(hidden(queue, place))
      case .found:
        throw .failed(
          Failure(
            .wrongQueue,
            "cannot tell whether \(place) is drained: there are queues '\(queue.retryName)' and '\(queue.deadName)' "
              + "beside it, and it is not what 'amqp-job declare' makes with them"))
      case .refused(let reason): throw conversation.explained(.refused(reason))
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
    private var unsent: [ChannelMethod]
    private var isOpen = true

    init(_ methods: [ChannelMethod]) { unsent = methods }

    mutating func answer(_ conversation: QueueConversation) throws(ConversationError) -> Method {
      let method = try conversation.ask { session throws(SessionError) in
        for question in unsent { try session.send(question.method, on: question.channel) }
        while true {
          let event = try session.nextEvent(until: .now + BrokerSession.callLimit)
          if case .method(channel, let method) = event { return method }
        }
      }
      unsent = []
      // A refusal closes the channel.
      if case .channelClose = method { isOpen = false }
      return method
    }

    func end(_ conversation: QueueConversation) throws(ConversationError) {
      guard isOpen else { return }
      try conversation.ask { session throws(SessionError) in try session.closeChannel(channel) }
    }
  }
}
