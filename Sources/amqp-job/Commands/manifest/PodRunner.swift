import AMQP
import Arguments
import Broker
import Console
import JobRunner
import Manifests

/// The runner in a pod, as far as the queue has to suit it.
struct PodRunner {
  private let queue: WorkQueue
  private let attempts: AttemptOptions
  /// What the runner is told about the queue, so that it does not ask.
  private let assumed: QueueTopology?
  private let takesAnyQueue: Bool

  /// - Throws: `UsageError` for a variable that the runner would refuse
  init(_ settings: inout Settings, _ worker: WorkerOptions) throws {
    queue = WorkQueue(worker.queue)
    var own = Settings(Arguments(), environment: worker.knownEnvironment)
    var attempts = try Run.attempts(&own)
    attempts.keepsStandardError = try own.value(Run.keepStandardError) > 0
    let delay = try settings.valueIfSet(Run.retryDelay)
    let most = try settings.valueIfSet(Run.maxAttempts)
    attempts.backoff = try Run.backoff(&settings)
    attempts.needRetryQueue = delay != nil || attempts.backoff != nil
    attempts.areRequired = attempts.areRequired || attempts.needRetryQueue || most != nil
    attempts.maxAge = worker.run.maxItemAge ?? attempts.maxAge
    self.attempts = attempts
    assumed = try own.value(Run.assume)?.standing
    takesAnyQueue = try own.value(Run.anyQueue)
  }

  /// What the queue is. nil if the user may not know, since the user of the pods may. Fails for a queue that the runner does not
  /// serve.
  func standing(_ session: BrokerSession) throws(ConversationError) -> QueueTopology? {
    if let assumed { return assumed }
    let place = place(session)
    let questionnaire = QueueQuestionnaire(queue, session)
    if let owner = queue.owner, case .found = try questionnaire.searchFamily(of: owner) {
      throw .failed(Failure(UnservedQueue(queue, madeFor: owner, place: place)))
    }
    let (verdict, transience) = try questionnaire.inspect(
      takesAnyQueue ? .taken : .refused, backoff: attempts.backoff)
    if takesAnyQueue, let transience, transience.contains(.autoDelete) {
      throw .failed(
        Failure(
          .wrongQueue,
          "cannot serve \(place): it \(transience.predicate), and its items are lost with it"
            + Self.acceptance(transience)))
    }
    if let unserved = UnservedQueue(verdict, place: place, acceptance: Self.acceptance) {
      throw .failed(Failure(unserved))
    }
    switch verdict {
    case .known(let standing, .unknown):
      guard case .plain = standing, case .found = try questionnaire.searchNeighbours() else { return standing }
      throw .failed(Failure(UnservedQueue(withForeignNeighbours: queue, place: place)))
    case .known(let standing, .absent): return standing
    case .refused(let reason): throw questionnaire.explained(reason)
    default: return nil
    }
  }

  /// The pods of a Job look whether the queue is drained, which a consumer cannot do that would take the queue with it.
  private static func acceptance(_ transience: [DeclarationInquiry.Transience]) -> LogMessage {
    guard !transience.contains(.autoDelete) else {
      return "; a Job could not see it drained, and needs a queue that stays, such as 'amqp-job declare' makes"
    }
    return
      "; \(ManifestWorkerOptions.environment) \(Settings.variableName(ofOption: Run.anyQueue.name))=true serves it all the same"
  }

  /// - Throws: `Failure` for a queue that has not what the runner's options need
  func check(_ standing: QueueTopology, _ session: BrokerSession) throws {
    let place = place(session)
    if let unserved = UnservedQueue(attempts, on: standing, queue: queue, place: place) { throw Failure(unserved) }
    guard case .deadLettering(let target?) = standing, attempts.needTarget || target == queue.deadLetterTarget else {
      return
    }
    guard case .absent = try QueueQuestionnaire(queue, session).search(target) else { return }
    throw Failure(UnservedQueue(attempts, missing: target, of: queue, place: place))
  }

  /// The warning about a queue that looks as if it had lost its retry queue; nil for any other.
  func warning(_ standing: QueueTopology, _ figures: QueueFigures, _ session: BrokerSession) -> LogEntry? {
    guard standing == .deadLettering(queue.deadLetterTarget), figures.retry == nil else { return nil }
    return LogEntry(.warning, MissingRetryQueue(of: queue, place: place(session)).line)
  }

  /// The attempts among `options` that suit the queue. A dead-letter exchange of its owner takes attempts that somebody asks for.
  func attempts(of options: Manifests.RunOptions, on standing: QueueTopology) -> Manifests.RunOptions.Attempts? {
    switch standing {
    case .declared: options.attempts
    case .plain: nil
    case .deadLettering:
      attempts.areRequired ? options.attempts.map { .init(max: $0.max, retryDelay: nil) } : nil
    }
  }

  private func place(_ session: BrokerSession) -> String { "queue '\(queue.name)' at \(session.broker)" }
}

extension Failure {
  fileprivate init(_ unserved: UnservedQueue) { self.init(unserved.status, unserved.line) }
}
