package import AMQP
package import Broker
internal import Console

/// Finds out three things about a queue. Can items be taken from it without a loss: is it no stream, and is it durable and neither
/// auto-delete nor exclusive where it has to last? What happens to items that are requeued too often? Do the queues beside it exist,
/// and are they what `WorkQueue` declares?
///
/// AMQP has no question for any of this. `DeclarationInquiry` works around that for users with the configure permission. For other
/// users less can be known, and nothing is guessed.
package struct QueueInspection: Hashable, Sendable {
  package enum Verdict: Hashable, Sendable {
    /// The runner cannot serve such a queue, for this reason.
    case unsupported(String)
    /// The runner does not serve the queue, because it may be lost together with its items, for these reasons.
    case transient([DeclarationInquiry.Transience])
    /// The user may not find out something that has to be known, which is this.
    case unknowable(String)
    case refused(CloseReason)
    /// The next questions.
    case ask([ChannelMethod])
    case known(QueueTopology, Neighbours)
  }

  /// What is known about the retry and the dead-letter queue beside a queue that does not refer to them.
  package enum Neighbours: Hashable, Sendable {
    case unknown
    case absent
    /// The user may not ask.
    case hidden
  }

  private enum Step: Hashable, Sendable {
    case declaring
    /// The user may not declare the queue.
    case askingType
    /// The user may not declare the queues beside it.
    case probingNeighbours(QueueTopology)
  }

  private let queue: WorkQueue
  /// What needs more than one retry queue. nil if nothing does.
  private let backoff: RetryBackoff?
  private let channel: UInt16
  /// What to do about a queue that may be lost together with its items.
  package enum Transients: Hashable, Sendable {
    case refused
    /// The runner serves the queue once it knows the cause.
    case taken
  }

  private let transients: Transients
  private let namesFit: Bool
  private var inquiry: DeclarationInquiry
  private var step = Step.declaring
  /// How many of the questions that went out together have been answered.
  private var answerCount = 0
  /// The queue itself is asked about, and not only the queues beside it.
  private var asksForQueue = true

  package init(queue: WorkQueue, channel: UInt16, transients: Transients, backoff: RetryBackoff? = nil) {
    self.queue = queue
    self.backoff = backoff
    self.channel = channel
    self.transients = transients
    namesFit = queue.name.utf8.count <= WorkQueue.maxNameSize
    inquiry = DeclarationInquiry(queue)
  }

  /// A consumer can be attached without an unwanted loss, whatever the remaining answers are.
  package var mayBeConsumed: Bool { inquiry.isTransienceKnown }

  /// Why the queue may be lost together with its items; nil if that is not known.
  package var transience: [DeclarationInquiry.Transience]? { inquiry.isTransienceKnown ? inquiry.transience : nil }

  /// What the queue is, as far as is known.
  package var standing: QueueTopology { inquiry.standing }

  /// The queue may turn out to have a retry and a dead-letter queue.
  package var mayBeDeclared: Bool { inquiry.isDeclared }

  /// The first questions.
  package var questions: [ChannelMethod] { on([.channelOpen] + declarations) }

  private var declarations: [Method] {
    let own: [Method] = asksForQueue ? [.queueDeclare(inquiry.declaration)] : []
    guard inquiry.isDeclared, namesFit else { return own }
    return own
      + others.map { .queueDeclare(DeclarationInquiry.comparison($0)) }
  }

  private var others: [Method.QueueDeclaration] {
    [queue.retryDeclaration, queue.deadDeclaration, queue.marksDeclaration]
      + (1...(backoff?.levelCount ?? 1)).dropFirst().map { queue.retryDeclaration(level: $0) }
  }

  private var takesTransients: Bool { transients != .refused }

  private func on(_ methods: [Method]) -> [ChannelMethod] { methods.map { ChannelMethod($0, on: channel) } }

  /// Takes an answer, and returns the verdict once there is one.
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
      if let refusal = refusalOfTransience { return refusal }
      guard answerCount == declarations.count else { return nil }
      return known()
    case .askingType:
      return nil
    case .probingNeighbours:
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
    case .probingNeighbours(let standing):
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
    let finding = inquiry.refused(reason)
    if let refusal = refusalOfTransience { return refusal }
    switch finding {
    case .corrected: return ask(declarations)
    case .known:
      guard inquiry.isDeclared, namesFit else { return .known(inquiry.standing, .unknown) }
      asksForQueue = false
      return ask(declarations)
    case .transient(let why):
      // The broker tells one reason at a time.
      return inquiry.accept(why)
        ? ask(declarations) : .transient(inquiry.transience.contains(why) ? inquiry.transience : [why])
    case .otherType(let why): return .unsupported(why)
    case .missing:
      return .refused(CloseReason(code: .notFound, text: "NOT_FOUND - no queue '\(queue.name)'"))
    case .unknown:
      return takesTransients ? .known(.plain(nil), .unknown) : .unknowable("the broker says '\(reason.text)'")
    }
  }

  /// All reasons are known for which a queue is refused that may be lost.
  private var refusalOfTransience: Verdict? {
    guard transients == .refused, inquiry.isTransienceKnown, !inquiry.transience.isEmpty else { return nil }
    return .transient(inquiry.transience)
  }

  /// The broker has refused the declaration of one of the queues beside a queue that dead-letters into them.
  private mutating func besideRefused(_ reason: CloseReason) -> Verdict {
    let declaration = others[answerCount - (asksForQueue ? 1 : 0)]
    let name = declaration.name.description
    switch DeclarationRefusal(reason, of: DeclarationInquiry.comparison(declaration)) {
    case .unsupported where name == queue.marksName:
      return .unsupported("there is no queue '\(name)' beside it; 'amqp-job declare \(queue.name.shellWord)' makes it")
    case .unsupported where name != queue.retryName && queue.isRetryName(name):
      return .unsupported(
        "there is no queue '\(name)' beside it, so a delay that grows has no place there; "
          + MissingRetryQueue.cure(of: queue, backoff))
    case .unsupported: return .known(inquiry.standing, .absent)
    case .differs:
      return .unsupported("queue '\(name)' beside it is not what 'amqp-job declare' makes: \(reason.text)")
    case nil where reason.code == .accessRefused:
      step = .probingNeighbours(inquiry.standing)
      return ask(passiveQuestions)
    case nil: return .refused(reason)
    }
  }

  // MARK: Without the configure permission

  /// A consumer that every type of queue refuses, with the type in the text of the refusal. A stream refuses the first argument, and
  /// the other types refuse the second.
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
      // The refusal is about the queue itself then. It does not exist, say, or may not be read.
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
    step = .probingNeighbours(standing)
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
  /// The predicate of a sentence about the queue.
  package var description: String {
    switch self {
    case .notDurable: "is not durable"
    case .autoDelete: "deletes itself with its last consumer"
    case .exclusive: "belongs to one connection"
    }
  }
}

extension [DeclarationInquiry.Transience] {
  /// The predicate of a sentence about a queue for which all of these are true.
  package var predicate: String { map(\.description).joined(separator: ", and ") }
}
