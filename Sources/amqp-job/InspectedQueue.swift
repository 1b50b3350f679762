import AMQP
import Broker
import JobRunner

/// A queue of which a short command has to know the same as a runner before it consumes from it.
struct InspectedQueue {
  private static let channel: UInt16 = 2

  let standing: QueueStanding

  /// Asks the broker. The queue is one that has nothing waiting for its way back out of our sight.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`, `Failure`
  init(_ queue: WorkQueue, _ session: BrokerSession) throws {
    var inspection = QueueInspection(queue: queue, channel: Self.channel, mayBeTransient: false)
    let place = "queue '\(queue.name)' at \(session.broker)"
    try Self.send(inspection.questions, session)
    while true {
      switch inspection.take(try Self.answer(session), on: Self.channel) {
      case nil: break
      case .ask(let questions): try Self.send(questions, session)
      case .unsupported(let why): throw Failure(.wrongQueue, "cannot tell whether \(place) is drained: \(why)")
      case .unknowable(let why): throw Failure(.notPermitted, "cannot tell whether \(place) is drained: \(why)")
      case .refused(let reason): throw BrokerSession.CallError.refused(reason)
      case .known(let standing, let neighbours):
        self.standing = standing
        if case .plain = standing, neighbours != .absent {
          try Self.lookBeside(queue, isHidden: neighbours == .hidden, session, place)
        }
        return
      }
    }
  }

  private static func lookBeside(
    _ queue: WorkQueue, isHidden: Bool, _ session: BrokerSession, _ place: String
  ) throws {
    let hidden = Failure(
      .notPermitted,
      "cannot tell whether \(place) is drained: the user may not look for queue '\(queue.retryName)'; grant a permission on it"
    )
    guard !isHidden else { throw hidden }
    guard let questions = NeighbourSearch.questions(queue, on: channel + 1) else { return }
    var search = NeighbourSearch(channel: channel + 1)
    try send(questions, session)
    while true {
      switch search.take(try answer(session, on: channel + 1), on: channel + 1) {
      case nil: break
      case .absent: return
      case .hidden: throw hidden
      case .strangers:
        throw Failure(
          .wrongQueue,
          "cannot tell whether \(place) is drained: there are queues '\(queue.retryName)' and '\(queue.deadName)' beside it, and "
            + "it is not what 'amqp-job declare' makes with them")
      case .refused(let reason): throw BrokerSession.CallError.refused(reason)
      }
    }
  }

  private static func send(_ questions: [ChannelMethod], _ session: BrokerSession) throws {
    for question in questions { try session.send(question.method, on: question.channel) }
  }

  private static func answer(_ session: BrokerSession, on channel: UInt16 = channel) throws -> Method {
    while true {
      if case .method(channel, let method) = try session.nextEvent(until: .now + BrokerSession.callLimit) {
        return method
      }
    }
  }
}
