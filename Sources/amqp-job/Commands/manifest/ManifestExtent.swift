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
    _ settings: inout Settings, _ worker: inout WorkerOptions, _ reporter: Reporter
  ) throws -> JobManifestOptions.Extent {
    let completions = try settings.value(ManifestKindOptions.completions)
    let drains = try settings.value(ManifestKindOptions.drain)
    guard !drains || completions == nil else {
      let both = [settings.naming(ManifestKindOptions.completions), settings.naming(ManifestKindOptions.drain)]
      throw UsageError("\(both.joined(separator: " and ")) exclude each other")
    }
    if drains { return .drain }
    if let completions { return .items(completions) }

    return .found(try count(&settings, &worker, reporter))
  }

  /// The number of items that the broker has. `worker` becomes what suits the queue.
  private static func count(
    _ settings: inout Settings, _ worker: inout WorkerOptions, _ reporter: Reporter
  ) throws -> Int {
    let runner = try PodRunner(&settings, worker)
    let broker = try BrokerOptions(&settings)
    broker.warn(reporter)
    let session = try connect(broker, reporter)
    defer { session.close() }
    var lookup = QueueLookup(session)
    guard let figures = try lookup.figures(of: worker.queue) else {
      throw QueueLookup.noSuchQueue([worker.queue], session)
    }
    let standing = try runner.standing(session) ?? figures.standing
    try runner.check(standing, session)
    if let warning = runner.warning(standing, figures, session) { reporter.report(warning) }
    worker.run.attempts = runner.attempts(of: worker.run, on: standing)
    return try left(figures, "queue '\(worker.queue)' at \(session.broker)")
  }

  /// How many items are to be done.
  static func left(_ figures: QueueFigures, _ place: String) throws(Failure) -> Int {
    guard figures.left > 0 else {
      let advice: Advice = " (\(.completions) N makes a Job all the same)"
      throw Failure(.failure, "\(place) is empty: there is nothing to do\(advice)")
    }
    return figures.left
  }

  private static func connect(_ broker: BrokerOptions, _ reporter: Reporter) throws(ConversationError) -> BrokerSession
  {
    do {
      return try BrokerConversation("amqp-job manifest", broker, reporter).connect(advice: wayThere)
    } catch .connection(let error) where error.kind == .unreachable && error.closeReason == nil {
      var failure = Failure(error)
      failure.message += advice(on: error.broker)
      throw .failed(failure)
    }
  }

  /// What to do where the broker cannot be reached, as from a machine outside the cluster.
  static func advice(on broker: BrokerURL) -> LogMessage {
    let withoutAsking: Advice = "\(.completions) N makes the Job without asking the broker"
    let isService = ServiceAddress(host: broker.host, port: broker.port) != nil
    return "\(wayThere(broker)); \(isService ? "or " : "")\(withoutAsking)"
  }

  /// How to reach a Service of a cluster from a machine outside of it. Empty for any other broker.
  private static func wayThere(_ broker: BrokerURL) -> LogMessage {
    guard let address = ServiceAddress(host: broker.host, port: broker.port) else { return "" }
    let certificate: Advice = broker.isSecure ? " and \(.tlsServerName) \(broker.host)" : ""
    return "; if this is a Service of a cluster, run '\(address.portForward)' and use localhost in the URL"
      + "\(certificate)"
  }
}

extension QueueFigures {
  /// What the queue is, judged by the queues beside it.
  fileprivate var standing: QueueTopology { retry == nil || dead == nil ? .plain(nil) : .declared }
}
