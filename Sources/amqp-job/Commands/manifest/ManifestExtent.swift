import AMQP
import Arguments
import Broker
import Console
import Manifests

/// How many items a Job has to process: as the options say, or as the broker says.
enum ManifestExtent {
  /// Where the broker is asked, it is also asked whether the queue has a retry queue.
  /// - Throws: `Failure`, `UsageError`
  static func determine(
    _ settings: inout Settings, _ worker: inout WorkerOptions
  ) throws -> JobManifestOptions.Extent {
    let completions = try settings.value(ManifestKindOptions.completions)
    let drains = try settings.value(ManifestKindOptions.drain)
    guard !drains || completions == nil else {
      throw UsageError("\(ManifestKindOptions.completions) and \(ManifestKindOptions.drain) exclude each other")
    }
    if drains { return .drain }
    if let completions { return .items(completions) }

    let (figures, place) = try figures(of: worker.queue, &settings)
    let found = try found(figures, place, asksForAttempts: try ManifestWorkerOptions.asksForAttempts(&settings))
    if !found.hasRetries { worker.run.attempts = nil }
    return .found(found.items)
  }

  /// How many items the broker has, and whether failed ones can be tried again.
  static func found(
    _ figures: QueueFigures, _ place: String, asksForAttempts: Bool
  ) throws(Failure) -> (items: Int, hasRetries: Bool) {
    guard figures.left > 0 else {
      let advice: Advice = " (\(.completions) N makes a Job all the same)"
      throw Failure(.failure, "\(place) is empty: there is nothing to do\(advice)")
    }
    let hasRetries = figures.retry != nil && figures.dead != nil
    guard hasRetries || !asksForAttempts else {
      let standingAlone: Advice = "say \(.plain), or "
      throw Failure(
        .wrongQueue,
        "\(place) has no retry and dead-letter queue: \(standingAlone)remove that queue, and 'amqp-job declare "
          + "\(figures.name)' makes it anew with them")
    }
    return (figures.left, hasRetries)
  }

  private static func figures(of queue: String, _ settings: inout Settings) throws -> (QueueFigures, place: String) {
    let broker = try BrokerOptions(&settings)
    let reporter = try LogOptions.reporter(&settings)
    broker.warn(reporter)
    let session = try connect(broker, reporter)
    defer { session.close() }
    var lookup = QueueLookup(session)
    guard let figures = try lookup.figures(of: queue) else { throw QueueLookup.noSuchQueue([queue], session) }
    return (figures, "queue '\(queue)' at \(session.broker)")
  }

  private static func connect(_ broker: BrokerOptions, _ reporter: Reporter) throws(ConversationError) -> BrokerSession
  {
    do {
      return try BrokerConversation("amqp-job manifest", broker, reporter).connect()
    } catch .connection(let error) where error.kind == .unreachable && error.closeReason == nil {
      var failure = Failure(error)
      failure.message += advice(on: error.broker)
      throw .failed(failure)
    }
  }

  /// What to do where the broker cannot be reached, as from a machine outside the cluster.
  static func advice(on broker: BrokerURL) -> LogMessage {
    let withoutAsking: Advice = "\(.completions) N makes the Job without asking the broker"
    guard let address = ServiceAddress(host: broker.host, port: broker.port) else { return "; \(withoutAsking)" }
    let certificate: Advice = broker.isSecure ? " and \(.tlsServerName) \(broker.host)" : ""
    return "; if this is a Service of a cluster, run '\(address.portForward)' and use localhost in the URL"
      + "\(certificate); or \(withoutAsking)"
  }
}
