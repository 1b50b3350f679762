package import AMQP
package import Broker

/// Finds out whether a queue is one that items can be taken from without a loss (no stream, and where it has to last,
/// durable and neither auto-delete nor exclusive), what becomes of items that are given back too often, and whether the queues beside
/// it are there, and are what `WorkQueue` declares.
///
/// AMQP has no question for any of this. `DeclarationInquiry` has the way round that for users with the configure permission;
/// for others there is less to be known, and what is not known is not guessed.
package struct QueueInspection: Hashable, Sendable {
  package enum Verdict: Hashable, Sendable {
    /// Not for us, and why.
    case unsupported(String)
    /// Not for us, since it may go before its items do.
    case transient(DeclarationInquiry.Transience)
    /// The user may not know what it would take, and what that is.
    case unknowable(String)
    case refused(CloseReason)
    /// The next questions.
    case ask([ChannelMethod])
    case known(QueueTopology, Neighbours)
  }

  /// What is known of the retry and the dead-letter queue beside a queue that does not refer to them.
  package enum Neighbours: Hashable, Sendable {
    case unknown
    case absent
    /// The user may not know.
    case hidden
  }

  private enum Step: Hashable, Sendable {
    case declaring
    /// The user may not declare the queue.
    case askingType
    /// The user may not declare the queues beside it.
    case lookingBeside(QueueTopology)
  }

  private let queue: WorkQueue
  private let channel: UInt16
  /// What is made of a queue that may go before its items do.
  package enum Transients: Hashable, Sendable {
    case refused
    /// Whatever makes it one.
    case taken
    /// The same, once it is known what that is.
    case takenKnowingly
  }

  private let transients: Transients
  private let namesFit: Bool
  private var inquiry: DeclarationInquiry
  private var step = Step.declaring
  /// How many of the questions that went out together have been answered.
  private var answerCount = 0
  /// The queue itself is asked about; else only those beside it.
  private var asksForQueue = true

  package init(queue: WorkQueue, channel: UInt16, transients: Transients) {
    self.queue = queue
    self.channel = channel
    self.transients = transients
    namesFit = queue.name.utf8.count <= WorkQueue.maxNameSize
    inquiry = DeclarationInquiry(queue)
  }

  /// Consumers can be attached to it without a loss that nobody wanted, whatever else comes out.
  package var mayBeConsumed: Bool { inquiry.isTransienceKnown }

  /// Why it may go before its items do; nil where that is not known.
  package var transience: [DeclarationInquiry.Transience]? { inquiry.isTransienceKnown ? inquiry.transience : nil }

  /// What it is so far as is known.
  package var standing: QueueTopology { inquiry.standing }

  /// It may come out as one with a retry and a dead-letter queue.
  package var mayBeDeclared: Bool { inquiry.isDeclared }

  /// What is asked first.
  package var questions: [ChannelMethod] { on([.channelOpen] + declarations) }

  private var declarations: [Method] {
    let own: [Method] = asksForQueue ? [.queueDeclare(inquiry.declaration)] : []
    guard inquiry.isDeclared, namesFit else { return own }
    return own
      + others.map { .queueDeclare(DeclarationInquiry.comparison($0)) }
  }

  private var others: [Method.QueueDeclaration] {
    [queue.retryDeclaration, queue.deadDeclaration, queue.marksDeclaration]
  }

  private var takesTransients: Bool { transients != .refused }

  private func on(_ methods: [Method]) -> [ChannelMethod] { methods.map { ChannelMethod($0, on: channel) } }

  /// Takes what came on the channel; the verdict, where there is one.
  package mutating func take(_ answer: Method, on channel: UInt16) -> Verdict? {
    guard channel == self.channel else { return nil }
    switch answer {
    case .queueDeclareOK: return found()
    case .channelClose(let reason): return refused(reason)
    default: return nil
    }
  }

  private mutating func ask(_ methods: [Method]) -> Verdict {
    answerCount = 0
    return .ask(on([.channelOpen] + methods))
  }

  // MARK: Answers

  private mutating func found() -> Verdict? {
    answerCount += 1
    switch step {
    case .declaring:
      if asksForQueue, answerCount == 1 { inquiry.accepted() }
      guard answerCount == declarations.count else { return nil }
      return known()
    case .askingType:
      return nil
    case .lookingBeside:
      return answerCount == 2 ? unknownRetryQueue : nil
    }
  }

  private func known() -> Verdict {
    guard inquiry.isDeclared, namesFit else { return .known(inquiry.standing, .unknown) }
    if let limit = inquiry.lengthLimit {
      return .unsupported(
        "it has a retry queue and refuses what is beyond its \(limit), so items that are to come back would be held up out of sight; "
          + "declare it without that limit, or alone ('amqp-job declare --plain')")
    }
    return .known(.declared, .absent)
  }

  private mutating func refused(_ reason: CloseReason) -> Verdict? {
    switch step {
    case .declaring where asksForQueue && answerCount == 0: return queueRefused(reason)
    case .declaring: return besideRefused(reason)
    case .askingType: return typeTold(reason)
    case .lookingBeside(let standing):
      switch reason.code {
      case .notFound where reason.refusal == .noQueue: return .known(standing, .absent)
      case .accessRefused: return answerCount > 0 ? unknownRetryQueue : .known(standing, .hidden)
      default: return .refused(reason)
      }
    }
  }

  private mutating func queueRefused(_ reason: CloseReason) -> Verdict {
    if reason.code == .accessRefused {
      step = .askingType
      return ask([typeQuestion])
    }
    guard reason.code == .preconditionFailed else { return .refused(reason) }
    switch inquiry.refused(reason) {
    case .corrected: return ask(declarations)
    case .known:
      guard inquiry.isDeclared, namesFit else { return .known(inquiry.standing, .unknown) }
      asksForQueue = false
      return ask(declarations)
    case .transient(let why):
      switch transients {
      case .refused: return .transient(why)
      case .taken: return .known(.plain(.classic), .unknown)
      case .takenKnowingly: return inquiry.accept(why) ? ask(declarations) : .transient(why)
      }
    case .otherType(let why): return .unsupported(why)
    case .missing:
      return .refused(CloseReason(code: .notFound, text: "NOT_FOUND - no queue '\(queue.name)'"))
    case .unknown:
      return takesTransients ? .known(.plain(nil), .unknown) : .unknowable("the broker says '\(reason.text)'")
    }
  }

  /// Of one of the others of a queue that dead-letters as `WorkQueue` has it.
  private mutating func besideRefused(_ reason: CloseReason) -> Verdict {
    let declaration = others[answerCount - (asksForQueue ? 1 : 0)]
    let name = declaration.name.description
    switch DeclarationRefusal(reason, of: DeclarationInquiry.comparison(declaration)) {
    case .unsupported where name == queue.marksName:
      return .unsupported("there is no queue '\(name)' beside it; 'amqp-job declare \(queue.name)' makes it")
    case .unsupported: return .known(inquiry.standing, .absent)
    case .differs:
      return .unsupported("queue '\(name)' beside it is not what 'amqp-job declare' makes: \(reason.text)")
    case nil where reason.code == .accessRefused:
      step = .lookingBeside(inquiry.standing)
      return ask(passiveQuestions)
    case nil: return .refused(reason)
    }
  }

  // MARK: Without the configure permission

  /// A consumer that every kind of queue refuses, with its type in the text: a stream for the first argument, others for the second.
  private var typeQuestion: Method {
    .basicConsume(
      queue: ByteString(queue.name), consumerTag: "amqp-job",
      arguments: ["x-priority": .int32(0), "x-stream-offset": .string("next")])
  }

  private var passiveQuestions: [Method] {
    [queue.retryName, queue.deadName].map { .queueDeclare(.init(name: ByteString($0), isPassive: true)) }
  }

  private mutating func typeTold(_ reason: CloseReason) -> Verdict {
    guard case .unsupported? = DeclarationRefusal(reason, of: inquiry.declaration) else {
      // The refusal is the queue's own then: it is not there, say, or may not be read.
      return reason.code == .preconditionFailed ? unknownType : .refused(reason)
    }
    let standing: QueueTopology
    switch reason.text.split(separator: " ").last {
    case "rabbit_stream_queue": return .unsupported("it is a stream")
    case "rabbit_quorum_queue": standing = .plain(.quorum)
    case "rabbit_classic_queue" where takesTransients: standing = .plain(.classic)
    default: return unknownType
    }
    guard namesFit else { return .known(standing, .absent) }
    step = .lookingBeside(standing)
    return ask(passiveQuestions)
  }

  private var unknownRetryQueue: Verdict {
    .unknowable("it has a retry queue, and the user may not look whether that is what 'amqp-job declare' makes")
  }

  private var unknownType: Verdict {
    takesTransients
      ? .known(.plain(nil), .unknown)
      : .unknowable("the user may not look whether it deletes itself with its last consumer")
  }
}

extension DeclarationInquiry.Transience: CustomStringConvertible {
  /// What is said of such a queue.
  package var description: String {
    switch self {
    case .notDurable: "is not durable"
    case .autoDelete: "deletes itself with its last consumer"
    case .exclusive: "belongs to one connection"
    }
  }
}

/// Looks whether queues are there beside another one that need not refer to them, by name.
package struct NeighbourSearch: Hashable, Sendable {
  private let names: [String]
  private let channel: UInt16
  private var foundCount = 0

  package enum Finding: Hashable, Sendable {
    case found
    case absent
    case hidden
    case refused(CloseReason)
  }

  /// For a queue of which nothing says that it has others beside it. nil where its name leaves no room for theirs.
  package init?(besidePlain queue: WorkQueue, on channel: UInt16) {
    self.init([queue.retryName, queue.deadName], of: queue, on: channel)
  }

  /// For a queue that is said to have all of them. nil where its name leaves no room for theirs.
  package init?(besideDeclared queue: WorkQueue, on channel: UInt16) {
    self.init([queue.retryName, queue.deadName, queue.marksName], of: queue, on: channel)
  }

  private init?(_ names: [String], of queue: WorkQueue, on channel: UInt16) {
    guard queue.name.utf8.count <= WorkQueue.maxNameSize else { return nil }
    (self.names, self.channel) = (names, channel)
  }

  package var questions: [ChannelMethod] {
    ([.channelOpen] + names.map { .queueDeclare(.init(name: ByteString($0), isPassive: true)) })
      .map { ChannelMethod($0, on: channel) }
  }

  package mutating func take(_ answer: Method, on channel: UInt16) -> Finding? {
    guard channel == self.channel else { return nil }
    switch answer {
    case .queueDeclareOK:
      foundCount += 1
      return foundCount == names.count ? .found : nil
    case .channelClose(let reason):
      switch reason.code {
      case .notFound where reason.refusal == .noQueue: return .absent
      case .accessRefused: return .hidden
      default: return .refused(reason)
      }
    default: return nil
    }
  }
}
