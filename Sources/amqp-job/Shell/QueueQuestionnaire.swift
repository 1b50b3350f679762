import AMQP
import Broker
import JobRunner

/// Puts a runner's questions about a queue to the broker, on a channel that is opened for them.
struct QueueQuestionnaire {
  private static let channel: UInt16 = 2

  let queue: WorkQueue
  private let conversation: QueueConversation

  init(_ queue: WorkQueue, _ session: BrokerSession) {
    self.queue = queue
    conversation = QueueConversation(session) { Failure($0, queue: queue.name, broker: session.broker) }
  }

  /// What a runner would find out about a queue that has to last. It is never `.ask`.
  func inspect() throws(ConversationError) -> QueueInspection.Verdict { try inspect(.refused).verdict }

  /// What a runner would find out about the queue, which is never `.ask`, and why the queue may be lost; nil if that is not known.
  /// `backoff` is how the runner's delays grow.
  func inspect(
    _ transients: QueueInspection.Transients, backoff: RetryBackoff? = nil
  ) throws(ConversationError) -> (verdict: QueueInspection.Verdict, transience: [DeclarationInquiry.Transience]?) {
    var inspection = QueueInspection(
      queue: queue, channel: Self.channel, transients: transients, backoff: backoff)
    var questions = Questions(inspection.questions)
    while true {
      switch inspection.take(try questions.answer(conversation), on: Self.channel) {
      case nil: break
      case .ask(let others): questions = Questions(others)
      case let verdict?:
        try questions.end(conversation)
        return (verdict, inspection.transience)
      }
    }
  }

  /// Whether the target of the queue's dead letters exists, as far as the user may know.
  func search(_ target: DeadLetterTarget) throws(ConversationError) -> DeadLetterTargetSearch.Finding {
    guard var search = DeadLetterTargetSearch(target, on: Self.channel) else { return .found }
    var questions = Questions(search.questions)
    while true {
      guard let finding = search.take(try questions.answer(conversation), on: Self.channel) else { continue }
      try questions.end(conversation)
      return finding
    }
  }

  /// Whether there are queues beside the queue with the names of a retry and a dead-letter queue.
  func searchNeighbours() throws(ConversationError) -> NeighbourSearch.Finding {
    try search(NeighbourSearch(besidePlain: queue, on: Self.channel))
  }

  /// Whether there are all queues of `owner`, one of which has this queue's name.
  func searchFamily(of owner: WorkQueue) throws(ConversationError) -> NeighbourSearch.Finding {
    try search(NeighbourSearch(besideDeclared: owner, on: Self.channel))
  }

  private func search(_ search: NeighbourSearch?) throws(ConversationError) -> NeighbourSearch.Finding {
    guard var search else { return .absent }
    var questions = Questions(search.questions)
    while true {
      guard let finding = search.take(try questions.answer(conversation), on: Self.channel) else { continue }
      try questions.end(conversation)
      return finding
    }
  }

  /// Whether a queue exists exactly as declared. nil if the user may not know.
  func isThere(_ declaration: Method.QueueDeclaration) throws(ConversationError) -> Bool? {
    guard let reason = try refusal(of: DeclarationInquiry.comparison(declaration)) else { return true }
    switch reason.code {
    case .preconditionFailed: return false
    case .accessRefused: return nil
    default: throw explained(reason)
    }
  }

  /// What the queue is if its type is not one that a runner serves: "it is a stream", say. nil otherwise, and if that is not known.
  func otherType() throws(ConversationError) -> String? {
    var inquiry = DeclarationInquiry(plain: queue)
    while let reason = try refusal(of: inquiry.declaration) {
      switch inquiry.refused(reason) {
      case .corrected: continue
      case .transient(let why) where inquiry.accept(why): continue
      case .otherType(let what): return what
      case .known, .transient, .missing, .unknown: return nil
      }
    }
    return nil
  }

  /// Why the broker refuses the declaration. nil if there is such a queue.
  private func refusal(of declaration: Method.QueueDeclaration) throws(ConversationError) -> CloseReason? {
    let methods: [Method] = [.channelOpen, .queueDeclare(declaration)]
    var questions = Questions(methods.map { ChannelMethod($0, on: Self.channel) })
    while true {
      switch try questions.answer(conversation) {
      case .queueDeclareOK:
        try questions.end(conversation)
        return nil
      case .channelClose(let reason): return reason
      default: break
      }
    }
  }

  func explained(_ refusal: CloseReason) -> ConversationError { conversation.explained(.refused(refusal)) }

  private struct Questions {
    private var unsent: [ChannelMethod]
    private var isOpen = true

    init(_ methods: [ChannelMethod]) { unsent = methods }

    mutating func answer(_ conversation: QueueConversation) throws(ConversationError) -> Method {
      let method = try conversation.ask { session throws(SessionError) in
        for question in unsent { try session.send(question.method, on: question.channel) }
        while true {
          let event = try session.nextEvent(until: .now + BrokerSession.callLimit)
          if case .method(QueueQuestionnaire.channel, let method) = event { return method }
        }
      }
      unsent = []
      // A refusal closes the channel.
      if case .channelClose = method { isOpen = false }
      return method
    }

    func end(_ conversation: QueueConversation) throws(ConversationError) {
      guard isOpen else { return }
      try conversation.ask { session throws(SessionError) in try session.closeChannel(QueueQuestionnaire.channel) }
    }
  }
}
