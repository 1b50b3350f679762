import Arguments
import Console
import JobRunner
import Manifests

/// The options of `amqp-job manifest` about how a worker gets its items.
enum ManifestBatchOptions {
  static let options: [any CommandOption] = [Run.feed, Run.batch, Run.batchWait]

  /// nil if nothing was said about it. `command` is that of the worker.
  /// - Throws: `UsageError`
  static func feeding(
    _ settings: inout Settings, _ kind: ManifestCommand.Kind, _ run: RunOptions, _ command: [String], hasSteps: Bool
  ) throws -> RunOptions.Feeding? {
    let given = try settings.valueIfSet(Run.feed)
    var runner = JobOptions(brokers: [], queue: "")
    // What a pod takes is checked here, as the runner would advise options that its pod does not have.
    runner.extent = .forever
    if run.results != nil { runner.results = ResultOptions(.replyTo, on: .all, maxSize: .max) }
    let feed = try Run.feed(&settings, &runner, command.map { Array($0.utf8) }, hasSteps: hasSteps)
    guard let batch = runner.worker.batch, batch.size > 1 else {
      return given.map { RunOptions.Feeding(feed: $0.rawValue, batch: nil, batchWait: nil) }
    }
    guard try takesSeveral(kind, &settings) else {
      throw UsageError(
        "\(settings.naming(Run.batch)) is for pods that take several items: job with \(ManifestKindOptions.drain), cronjob, "
          + "deployment or scaledobject")
    }
    return RunOptions.Feeding(
      feed: feed.rawValue, batch: batch.size, batchWait: try settings.valueIfSet(Run.batchWait))
  }

  private static func takesSeveral(_ kind: ManifestCommand.Kind, _ settings: inout Settings) throws -> Bool {
    switch kind {
    case .cronjob, .deployment, .scaledobject: true
    case .job: try settings.value(ManifestKindOptions.drain)
    case .scaledjob, .broker: false
    }
  }
}
