import Arguments
import Console
import Linux
import Manifests

/// The options of `amqp-job manifest` about an application that has a leader, instead of workers.
enum ManifestLeaderOptions {
  static let lead = Option(
    "lead", .electionName,
    "deployment: no queue, but this election; COMMAND runs in the leader's pod alone")
  static let http = Option(
    "lead-http", .listenAddress,
    "with \(lead): COMMAND runs in each pod, and asks a sidecar at this address, such as 127.0.0.1:4040, who leads")
  static let lease = DefaultedOption("lease", .lease, default: Lead.lease.defaultValue) {
    "with \(lead) or \(ManifestSourceOptions.from): how long a leader that has vanished is waited for (default \($0))"
  }

  /// A publisher is a candidate, too, and has a lease.
  static let alone: [any CommandOption] = [lead, http]
  static let options: [any CommandOption] = alone + [lease]

  /// The options of workers that say nothing to an application with a leader.
  private static let others: [any CommandOption] =
    [QueueName.option] + ManifestScalingOptions.options + ManifestWorkerOptions.runnerOptions
    + ManifestStepOptions.options + ManifestSourceOptions.options

  /// The time in seconds that is left to a pod in addition to the command's grace.
  private static let timeToLetGo = 10
  private static let usualTerminationGracePeriod = 30

  /// nil if the deployment serves a queue.
  /// - Throws: `UsageError`
  static func options(
    _ arguments: Arguments, _ settings: inout Settings, _ command: [String]
  ) throws -> LeaderOptions? {
    guard let election = try settings.value(lead) else {
      if arguments.contains(http) { throw UsageError("\(http) goes with \(lead)") }
      if arguments.contains(lease), !arguments.contains(ManifestSourceOptions.from) {
        throw UsageError("\(lease) goes with \(lead) or \(ManifestSourceOptions.from)")
      }
      return nil
    }
    if let option = others.first(where: { arguments.contains($0) }) {
      throw UsageError("\(option) does not go with \(lead)")
    }
    guard let image = try settings.value(ManifestWorkerOptions.image) else {
      throw UsageError("\(ManifestWorkerOptions.image) is missing")
    }
    let lease = try settings.value(lease)
    var options = LeaderOptions(
      name: try settings.value(ManifestWorkerOptions.name) ?? ObjectName(resembling: election),
      election: .init(name: election, lease: lease.text),
      terminationGracePeriod: max(usualTerminationGracePeriod, (lease / 3).wholeSeconds + timeToLetGo),
      candidate: try candidate(&settings, command), image: image, command: command,
      secrets: try ManifestWorkerOptions.secrets(&settings), resources: try ManifestResourceOptions.worker(&settings),
      temporarySpace: try settings.value(ManifestWorkerOptions.temporarySpace).description)
    options.namespace = try settings.value(ManifestWorkerOptions.namespace)
    options.environment = try ManifestWorkerOptions.variables(&settings, reserved: LeaderOptions.reservedVariables)
    options.userID = try settings.value(ManifestWorkerOptions.user)
    options.replicas = try settings.value(ManifestWorkerOptions.parallelism) ?? options.replicas
    options.volumes = try settings.values(ManifestPodOptions.volume)
    options.additions = try ManifestPodOptions.additions(&settings)
    return options
  }

  private static func candidate(_ settings: inout Settings, _ command: [String]) throws -> LeaderOptions.Candidate {
    let injection = try ManifestWorkerOptions.injection(&settings, isImageUsed: try settings.value(http) != nil)
    guard let address = try settings.value(http) else {
      guard !command.isEmpty else {
        throw UsageError("COMMAND is missing; only with \(http) does the image run its own")
      }
      return .aroundCommand(injection)
    }
    guard address.port != 0 else { throw UsageError("\(http) is to name a port that the application knows, not 0") }
    guard injection == nil else {
      throw UsageError("\(ManifestWorkerOptions.inject) does not go with \(http): the sidecar has an image of its own")
    }
    return .sidecar(try settings.value(ManifestWorkerOptions.runnerImage), address: "\(address)")
  }
}
