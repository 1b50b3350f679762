package import Broker
package import Console

/// A queue that a runner does not serve: why not, in a line for people, and the exit status. `place` is the queue in messages.
package struct UnservedQueue: Hashable, Sendable {
  package let status: ExitStatus
  package let line: LogMessage

  /// A queue of this verdict. nil if the verdict is not one about the queue. `acceptance` says how the user accepts a queue that
  /// may be lost, for these reasons.
  package init?(
    _ verdict: QueueInspection.Verdict, place: String,
    acceptance: ([DeclarationInquiry.Transience]) -> LogMessage
  ) {
    status = .wrongQueue
    switch verdict {
    case .unsupported(let why): line = "cannot serve \(place): \(why)"
    case .transient(let why) where why.contains(.exclusive): line = "cannot serve \(place): it \(why.predicate)"
    case .transient(let why):
      line = "cannot serve \(place): it \(why.predicate), and its items are lost with it" + acceptance(why)
    case .unknowable, .refused, .ask, .known: return nil
    }
  }

  /// A queue that has not what the options need. nil if it has.
  package init?(_ options: AttemptOptions, on standing: QueueTopology, queue: WorkQueue, place: String) {
    guard !AttemptPolicy(options: options, standing: standing).isPossible else { return nil }
    status = .wrongQueue
    line = "\(place) " + Self.lack(options, on: standing, queue)
  }

  /// A queue that stands alone, with queues beside it that have the names of a retry and a dead-letter queue.
  package init(withForeignNeighbours queue: WorkQueue, place: String) {
    status = .wrongQueue
    line = """
      cannot serve \(place): there are queues '\(queue.retryName)' and '\(queue.deadName)' beside it, and it is not what \
      'amqp-job declare' makes with them\(Self.adviceOnNeighbours(of: queue))
      """
  }

  /// A queue that `amqp-job declare` made for the runners of `owner`.
  package init(_ queue: WorkQueue, madeFor owner: WorkQueue, place: String) {
    status = .wrongQueue
    line = "cannot serve \(place): it \(queue.purpose); the items to serve are in queue '\(owner.name)'"
  }

  /// A queue whose dead letters go to what is not there. It is the dead-letter queue of `queue`, or the options send failed items
  /// there.
  package init(_ options: AttemptOptions, missing target: DeadLetterTarget, of queue: WorkQueue, place: String) {
    status = .wrongQueue
    guard target != queue.deadLetterTarget else {
      line =
        "\(place) sends its dead letters to queue '\(target.name)', which is not there: the broker would drop what it dead-letters, "
        + "or keep it out of sight; \(MissingRetryQueue.cure(of: queue))"
      return
    }
    let makingIt = "make that \(target.kind)"
    let rejecting: Advice =
      "the broker would drop each item that fails (\(.onFailure)); \(makingIt), or do not reject failed items"
    let moving: Advice = """
      no item could go there when its attempts are used up, and it would come back without end; \(makingIt), or leave out \
      \(.maxAttempts) and \(.rejectOn)
      """
    let expiring: Advice = "no item that is too old could go there; \(makingIt), or leave out \(.maxItemAge)"
    let consequence = options.onFailure == .reject ? rejecting : options.areRequired ? moving : expiring
    line =
      "\(place) sends its dead letters to \(target.kind) '\(target.name)', which is not there: "
      + "\(consequence, otherwise: makingIt)"
  }

  /// What to do about a queue that stands alone beside such queues.
  package static func adviceOnNeighbours(of queue: WorkQueue) -> String {
    let name = queue.name.shellWord
    return
      "; take another name, or remove them all ('amqp-job declare \(name) --delete --if-empty') and make anew what you need"
  }

  private static func lack(_ options: AttemptOptions, on standing: QueueTopology, _ queue: WorkQueue) -> LogMessage {
    guard standing != .declared else { return .unwantedRetries }
    let owner = queue.family
    let name = queue.name.shellWord
    let anew =
      owner == queue
      ? "remove that queue ('amqp-job declare \(name) --delete --if-empty') and make it anew ('amqp-job declare \(name)')"
      : "put its items back into queue '\(owner.name)' ('amqp-job dead replay \(owner.name.shellWord)')"
    guard case .deadLettering(.some) = standing else {
      guard options.areRequired else {
        return .missingDeadLetters(anew, for: options.maxAge == nil ? .keepStandardError : .maxItemAge)
      }
      return
        "has no retry and dead-letter queue, as \(Advice.countingAttempts, otherwise: "attempts need them"): go without, or \(anew)"
    }
    guard options.areRequired else { return .deadLettersOfOthers }
    return "has a dead-letter exchange of its own, to which failed items can go, but no retry queue to delay them: "
      + "go without a delay\(naming: .retryDelay)"
  }
}
