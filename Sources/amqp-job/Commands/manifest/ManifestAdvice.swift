import Arguments
import Broker
import Console
import JobRunner
import Manifests

/// What to say of a worker's settings that are probably mistaken.
enum ManifestAdvice {
  /// Mistakes in the pods that Kubernetes takes as they are.
  static func warnings(_ worker: WorkerOptions) -> [String] {
    warnings(worker.command, worker.environment, Run.definition)
  }

  static func warnings(_ leader: LeaderOptions) -> [String] {
    warnings(leader.command, leader.environment, Lead.definition)
  }

  static func warnings(_ publisher: PublisherOptions) -> [String] {
    warnings(publisher.server?.command ?? [], publisher.environment, Publish.definition)
  }

  /// Which queues the pods need for delays that grow. nil if the delay does not grow.
  /// - Throws: `UsageError`
  static func neededQueues(_ worker: WorkerOptions, _ settings: inout Settings) throws -> String? {
    guard worker.run.attempts?.backoff != nil else { return nil }
    let declaration = try Run.backoff(&settings).declaration(of: WorkQueue(worker.queue))
    return "the pods need the retry queues that '\(declaration)' makes"
  }

  private static func warnings(
    _ command: [String], _ environment: [WorkerOptions.Variable], _ definition: Command
  ) -> [String] {
    let quoted = QuotedCommand(command).map {
      ["the pods may not find the command '\(command[0])': \($0.advice)"]
    }
    let unknown = UnknownVariables(
      tool: Main.tool, options: definition.optionNames, synonyms: definition.synonyms
    )
    .find(in: environment.map(\.entry))
    return (quoted ?? []) + unknown.map { warning(of: $0, definition) }
  }

  private static func warning(of variable: UnknownVariables.Found, _ definition: Command) -> String {
    let meant = variable.meant.map { name in option(name) ?? "\(variableName(name))=..." }
    return
      "\(ManifestWorkerOptions.environment) \(variable.name)=... is no setting of \(definition.name), and is ignored there"
      + (meant.map { ": did you mean \($0)?" } ?? "")
  }

  /// Why a variable is refused that the manifest sets.
  static func refusal(ofVariable name: String) -> String {
    let option = option { variableName($0) == name }
    let advice = option.map { "use the option \($0)" } ?? "the manifest does"
    return "\(ManifestWorkerOptions.environment) \(name)=... is not for you to set: \(advice)"
  }

  /// How to get what an option would do that `manifest` does not have. nil for an option that means nothing to it.
  static func replacement(forOption name: String) -> String? {
    if name == "n" { return "did you mean \(ManifestWorkerOptions.namespace)?" }
    if let advice = foreignOptions.advice(name) { return advice }
    if name.count == 1, let option = Run.definition.synonyms[name] { return replacement(forOption: option) }
    guard Run.definition.optionNames.contains(name) else { return nil }
    guard !WorkerOptions.reservedVariables.contains(variableName(name)) else {
      return "it is an option of run that the manifest sets itself"
    }
    return "run in the pods gets it by \(ManifestWorkerOptions.environment) \(variableName(name))=..."
  }

  private static let foreignOptions = ForeignOption([
    "timezone time-zone tz": "set timeZone in the CronJob's spec",
    "dry-run o output": "it only writes the objects, as YAML on standard output",
  ])

  private static func variableName(_ option: String) -> String { Settings.variableName(ofOption: option) }

  private static func option(_ name: String) -> String? { option { $0 == name } }

  /// The option of `manifest` with such a name.
  private static func option(where isMeant: (String) -> Bool) -> String? {
    ManifestCommand.definition.optionNames.first(where: isMeant).map { "--\($0)" }
  }
}
