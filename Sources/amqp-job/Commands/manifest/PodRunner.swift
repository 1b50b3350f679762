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
    // Kubernetes replaces `$(NAME)`.
    let known = worker.environment.filter { !zip($0.value, $0.value.dropFirst()).contains { $0 == ("$", "(") } }
    var own = Settings(Arguments(), environment: known.map { Array("\($0.name)=\($0.value)".utf8) })
    var attempts = try Run.attempts(&own)
    attempts.keepsStandardError = try own.value(Run.keepStandardError) > 0
    let delay = try settings.valueIfSet(Run.retryDelay)
    let most = try settings.valueIfSet(Run.maxAttempts)
    attempts.areRequired = attempts.areRequired || delay != nil || most != nil
    attempts.needRetryQueue = delay != nil
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
    let verdict = try questionnaire.inspect(takesAnyQueue ? .takenKnowingly : .refused)
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

  private static var acceptance: LogMessage {
    "; \(ManifestWorkerOptions.environment) \(Settings.variableName(ofOption: Run.anyQueue.name))=true serves it all the same"
  }

  /// - Throws: `Failure` for a queue that has not what the runner's options need
  func check(_ standing: QueueTopology, _ session: BrokerSession) throws {
    if let unserved = UnservedQueue(attempts, on: standing, queue: queue, place: place(session)) {
      throw Failure(unserved)
    }
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
