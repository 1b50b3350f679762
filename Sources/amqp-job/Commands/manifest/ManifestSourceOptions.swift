import Arguments
import Console
import ItemSources
import Linux
import Manifests

/// The options of `amqp-job manifest` about publishers that follow a source of items, instead of workers.
enum ManifestSourceOptions {
  static let from = Option(
    "from", .sourceText,
    "deployment, cronjob: no workers, but 'publish --from' this source; a source at 127.0.0.1 is COMMAND in --image, beside it"
  )
  static let every = DefaultedOption("every", .pollPeriod, default: SourceOptions.every.defaultValue) {
    "deployment with \(from): the time between two looks at the source (default \($0))"
  }
  static let dataField = Option(
    "data-field", .name("NAME"), "with \(from): the body is this field of an item's data, not all of the data")

  static let options: [any CommandOption] = [from, every, dataField]

  /// The options of workers that say nothing to a publisher.
  private static let others: [any CommandOption] =
    ManifestScalingOptions.options + [ManifestWorkerOptions.inject] + ManifestWorkerOptions.runnerOptions
    + ManifestStepOptions.options

  /// nil if the objects are for workers.
  /// - Throws: `UsageError`
  static func options(
    _ arguments: Arguments, _ settings: inout Settings, _ kind: ManifestCommand.Kind, _ command: [String]
  ) throws -> PublisherOptions? {
    guard let source = try settings.value(from) else {
      let dependent: [any CommandOption] = [every, dataField]
      if let option = dependent.first(where: { arguments.contains($0) }) {
        throw UsageError("\(option) goes with \(from)")
      }
      return nil
    }
    if let option = (others + ManifestLeaderOptions.alone).first(where: { arguments.contains($0) }) {
      throw UsageError("\(option) does not go with \(from)")
    }
    try check(source, arguments)
    let queue = try QueueName.resolved(&settings)
    var options = PublisherOptions(
      name: try settings.value(ManifestWorkerOptions.name) ?? ObjectName(resembling: queue + "-source"), queue: queue,
      arguments: try publishArguments(source, arguments, &settings, kind),
      image: try settings.value(ManifestWorkerOptions.runnerImage),
      secrets: try ManifestWorkerOptions.secrets(&settings),
      temporarySpace: try settings.value(ManifestWorkerOptions.temporarySpace).description)
    options.server = try server(command, &settings)
    options.namespace = try settings.value(ManifestWorkerOptions.namespace)
    options.environment = try ManifestWorkerOptions.variables(&settings, reserved: PublisherOptions.reservedVariables)
    options.userID = try settings.value(ManifestWorkerOptions.user)
    options.replicas = try settings.value(ManifestWorkerOptions.parallelism) ?? options.replicas
    options.cpuLimit = try settings.value(ManifestResourceOptions.cpuLimit)
    options.volumes = try settings.values(ManifestPodOptions.volume)
    options.additions = try ManifestPodOptions.additions(&settings)
    return options
  }

  private static func check(_ source: String, _ arguments: Arguments) throws {
    switch try? SourceAddress(parsing: source) {
    case .command: throw UsageError("\(from) command:... has no shell in the publisher's image, nor the command")
    case .directory where !arguments.contains(ManifestPodOptions.volume):
      throw UsageError("\(from) \(source) is in no pod: name its \(ManifestPodOptions.volume)")
    case .directory where arguments.contains(ManifestWorkerOptions.image):
      throw UsageError("\(ManifestWorkerOptions.image) goes with a source at http://127.0.0.1, not with \(source)")
    case .directory, .http, nil: return
    }
  }

  private static func publishArguments(
    _ source: String, _ arguments: Arguments, _ settings: inout Settings, _ kind: ManifestCommand.Kind
  ) throws -> [String] {
    let ofDeployments: [any CommandOption] = [every, ManifestWorkerOptions.parallelism]
    if kind == .cronjob, let option = ofDeployments.first(where: { arguments.contains($0) }) {
      throw UsageError("\(option) does not go with cronjob and \(from): one pod looks at the source once")
    }
    let pace = kind == .cronjob ? "--once" : "--every=\(try settings.value(every).text)"
    let lease = "--lease=\(try settings.value(ManifestLeaderOptions.lease).text)"
    return ["--from=\(source)", pace, lease] + (try settings.value(dataField).map { ["--data-field=\($0)"] } ?? [])
  }

  private static func server(_ command: [String], _ settings: inout Settings) throws -> PublisherOptions.Server? {
    guard let image = try settings.value(ManifestWorkerOptions.image) else {
      guard command.isEmpty else {
        throw UsageError("COMMAND runs beside the publisher, in \(ManifestWorkerOptions.image), which is missing")
      }
      return nil
    }
    return PublisherOptions.Server(
      image: image, command: command, resources: try ManifestResourceOptions.worker(&settings))
  }
}

extension ValueType where Value == String {
  /// A source of items, as it was written.
  fileprivate static var sourceText: Self {
    Self(
      "SOURCE",
      read: { (setting) throws(UsageError) in
        do { _ = try SourceAddress(parsing: setting.text) } catch {
          throw UsageError("\(setting.source) is no source: \(error)")
        }
        return setting.text
      }, text: { $0 })
  }
}
