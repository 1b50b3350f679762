import Arguments
import JobRunner
import Manifests

/// The settings of `run` in a pod: the options that the manifest writes, and the variables that the user gives.
enum PodSettings {
  /// Refuses what `run` would refuse in the pods, as far as it is known before Kubernetes replaces parts of the variables.
  /// - Throws: `UsageError`
  static func check(_ worker: WorkerOptions, _ mode: Manifests.RunOptions.Mode) throws {
    let words = worker.run.arguments(mode, defaultWaitFirst: .zero).map { Array($0.utf8) }
    guard case .arguments(let arguments) = try Run.definition.scan(words) else { return }
    var settings = Settings(arguments, environment: worker.knownEnvironment)
    do {
      var runner = try Run.jobOptions(&settings, JobOptions(brokers: [], queue: worker.queue))
      _ = try Run.keptErrorSize(&settings, &runner)
      _ = try Run.feed(
        &settings, &runner, worker.command.map { Array($0.utf8) }, hasSteps: !worker.steps.isEmpty)
      _ = try Run.showsProgress(&settings, runner)
    } catch let error as UsageError {
      throw UsageError("run in the pods would refuse this: \(error)")
    }
  }
}
