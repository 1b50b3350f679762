import AMQP
import Broker
import JobRunner

/// Puts a runner's questions about a queue to the broker, on a channel that is opened for them.
struct QueueQuestionnaire {
  private static let channel: UInt16 = 2

  let queue: WorkQueue
  private let session: BrokerSession

  init(_ queue: WorkQueue, _ session: BrokerSession) { (self.queue, self.session) = (queue, session) }

  /// What a runner would find out about the queue. It is never `.ask`.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`
  func inspect(_ transients: QueueInspection.Transients) throws -> QueueInspection.Verdict {
    var inspection = QueueInspection(queue: queue, channel: Self.channel, transients: transients)
    var questions = Questions(session, inspection.questions)
    while true {
      switch inspection.take(try questions.answer(), on: Self.channel) {
      case nil: break
      case .ask(let others): questions = Questions(session, others)
      case let verdict?:
        try questions.end()
        return verdict
      }
    }
  }

  /// Whether there are queues beside the queue with the names of a retry and a dead-letter queue.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`
  func searchNeighbours() throws -> NeighbourSearch.Finding {
    guard var search = NeighbourSearch(besidePlain: queue, on: Self.channel) else { return .absent }
    var questions = Questions(session, search.questions)
    while true {
      guard let finding = search.take(try questions.answer(), on: Self.channel) else { continue }
      try questions.end()
      return finding
    }
  }

  /// Whether a queue exists exactly as declared. nil if the user may not know.
  /// - Throws: `BrokerFailure`, `BrokerSession.CallError`
  func isThere(_ declaration: Method.QueueDeclaration) throws -> Bool? {
    var questions = Questions(
      session,
      [.channelOpen, .queueDeclare(DeclarationInquiry.comparison(declaration))].map {
        ChannelMethod($0, on: Self.channel)
      })
    while true {
      switch try questions.answer() {
      case .queueDeclareOK:
        try questions.end()
        return true
      case .channelClose(let reason) where reason.code == .preconditionFailed: return false
      case .channelClose(let reason) where reason.code == .accessRefused: return nil
      case .channelClose(let reason): throw BrokerSession.CallError.refused(reason)
      default: break
      }
    }
  }

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
        guard
          case .method(QueueQuestionnaire.channel, let method) = try session.nextEvent(
            until: .now + BrokerSession.callLimit)
        else {
          continue
        }
        // A refusal closes the channel.
        if case .channelClose = method { isOpen = false }
        return method
      }
    }

    func end() throws { if isOpen { try session.closeChannel(QueueQuestionnaire.channel) } }
  }
}
