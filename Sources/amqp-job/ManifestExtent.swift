import Arguments
import Broker
import Console
import Manifests

/// How much a Job has to do: as was said, or what the broker says.
enum ManifestExtent {
  /// Where the broker is asked, it is asked too whether items can be tried again.
  /// - Throws: `Failure`, `UsageError`
  static func determine(
    _ settings: inout Settings, _ worker: inout WorkerOptions
  ) throws -> JobManifestOptions.Extent {
    let completions = try settings.count("completions", upTo: Int(Int32.max))
    let drains = try settings.flag("drain")
    guard !drains || completions == nil else { throw UsageError("--completions and --drain exclude each other") }
    if drains { return .drain }
    if let completions { return .items(completions) }

    let (figures, place) = try figures(of: worker.queue, &settings)
    guard figures.left > 0 else {
      throw Failure(.failure, "\(place) is empty: there is nothing to do (--completions N makes a Job all the same)")
    }
    if figures.retry == nil || figures.dead == nil {
      guard try !ManifestWorkerOptions.asksForAttempts(&settings) else {
        throw Failure(
          .wrongQueue,
          "\(place) has no retry and dead-letter queue: say --plain, or remove that queue, and 'amqp-job declare "
            + "\(worker.queue)' makes it anew with them")
      }
      worker.run.attempts = nil
    }
    return .found(figures.left)
  }

  private static func figures(of queue: String, _ settings: inout Settings) throws -> (QueueFigures, place: String) {
    let broker = try BrokerOptions(&settings)
    let reporter = try LogOptions.reporter(&settings)
    broker.warn(reporter)
    let session: BrokerSession
    do {
      session = try broker.connect(name: "amqp-job manifest", reporter)
    } catch {
      throw Failure(error, queue: queue, broker: nil)
    }
    defer { session.close() }
    var lookup = QueueLookup(session)
    do {
      guard let figures = try lookup.figures(of: queue) else { throw QueueLookup.noSuchQueue([queue], session) }
      return (figures, "queue '\(queue)' at \(session.broker)")
    } catch {
      throw Failure(error, queue: queue, broker: session.broker)
    }
  }
}
