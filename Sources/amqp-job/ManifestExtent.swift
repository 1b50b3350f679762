import Arguments
import Broker
import JobRunner
import Manifests
import Reports

/// Determines how much a Job has to do, from the options or by asking the broker.
enum ManifestExtent {
  /// If this asks the broker, it also finds out whether the queue has retries.
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
    guard figures.left > 0 else {
      throw Failure(
        .failure,
        "\(place) is empty: there is nothing to do (\(ManifestKindOptions.completions) N makes a Job all the same)")
    }
    if figures.retry == nil || figures.dead == nil {
      guard try !ManifestWorkerOptions.asksForAttempts(&settings) else {
        throw Failure(
          .wrongQueue,
          "\(place) has no retry and dead-letter queue: say \(ManifestWorkerOptions.plain), or remove that queue, and 'amqp-job declare "
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
