import Arguments
import Console
import Manifests

/// The options of `amqp-job manifest` that apply to some kinds only.
enum ManifestKindOptions {
  static let completions = Option(
    "completions", .kubernetesCount(), "job: number of items, so that the broker is not asked")
  static let drain = Run.drain.described(
    "job: let pods take items until the queue is drained, without asking the broker")
  static let activeDeadline = DefaultedOption(
    "active-deadline", .kubernetesSeconds, default: JobManifestOptions.defaultActiveDeadline
  ) { "Jobs: time limit for the whole Job (default \($0))" }
  static let timeToLive = Option(
    "ttl", .kubernetesSeconds, "Jobs: remove a Job this long after its end (default never)")
  static let backoffLimit = Option(
    "backoff-limit", .backoffLimit,
    "Jobs: number of failed pods before a Job is given up (default 6, or \(completions))")
  static let schedule = Option("schedule", .schedule, "cronjob: when to run, such as '*/5 * * * *'").known(
    as: "cron")
  static let storage = DefaultedOption("storage", .bytes, default: ValueType.bytes.constant("1Gi")) {
    "broker: the size of its volume (default \($0))"
  }

  static let group = OptionGroup(
    "Some kinds only",
    [completions, drain, activeDeadline, timeToLive, backoffLimit, schedule, storage])

  static let brokerImage = ValueType.image.constant("rabbitmq:4.3")
  static let brokerName = ValueType.objectName.constant("rabbitmq")

  private static let jobs: Set<ManifestCommand.Kind> = [.job, .cronjob, .scaledjob]
  /// An option, and the kinds that it goes with.
  typealias Owned = (option: any CommandOption, kinds: Set<ManifestCommand.Kind>)

  private static let owners: [Owned] = [
    (completions, [.job]), (drain, [.job]), (activeDeadline, jobs), (timeToLive, jobs), (backoffLimit, jobs),
    (schedule, [.cronjob]), (ManifestLeaderOptions.lead, [.deployment]),
    (ManifestLeaderOptions.http, [.deployment]), (ManifestLeaderOptions.lease, [.deployment, .cronjob]),
    (ManifestSourceOptions.from, [.deployment, .cronjob]), (ManifestSourceOptions.every, [.deployment, .cronjob]),
    (ManifestSourceOptions.dataField, [.deployment, .cronjob]), (storage, [.broker]),
  ]

  /// Refuses options that apply to another kind only.
  /// - Throws: `UsageError`
  static func check(_ arguments: Arguments, _ kind: ManifestCommand.Kind) throws {
    for (option, kinds) in owners + ManifestScalingOptions.owners
    where arguments.contains(option) && !kinds.contains(kind) {
      let names = kinds.map(\.rawValue).sorted().joined(separator: ", ")
      throw UsageError("\(option) goes with \(names), not with \(kind.rawValue)")
    }
    guard kind == .broker else { return }
    let brokers = Set((ManifestWorkerOptions.shared + ManifestPodOptions.shared).map(\.name))
    let others =
      ManifestWorkerOptions.podOptions + ManifestStepOptions.options + ManifestPodOptions.options
      + ManifestWorkerOptions.runnerOptions
    if let option = others.first(where: { arguments.contains($0) && !brokers.contains($0.name) }) {
      throw UsageError("\(option) does not go with broker")
    }
  }

  /// The status with which containerd reports that the image lacks the command. Here that is amqp-job itself, if it should have been
  /// injected.
  private static let containerNotStarted: Int32 = 128

  static func job(_ settings: inout Settings) throws -> JobManifestOptions {
    // A broker that is out of reach may come back. Bad usage, a wrong queue or a wrong command will not go away.
    let policy = PodFailurePolicy(
      ignored: [ExitStatus.unreachable, .temporaryFailure].map(\.rawValue),
      fatal: [ExitStatus.usage, .wrongQueue, .notExecutable, .commandNotFound].map(\.rawValue) + [containerNotStarted])
    var options = JobManifestOptions(failurePolicy: policy)
    options.activeDeadline = try settings.value(activeDeadline)
    let times: [(any CommandOption, Duration?)] = [
      (Run.timeout, try settings.value(Run.timeout)), (Run.waitFirst, try settings.value(Run.waitFirst)),
    ]
    for (option, time) in times where time ?? .zero > options.activeDeadline {
      throw UsageError(
        "\(settings.naming(option)) is more than \(settings.naming(activeDeadline)), which is \(options.activeDeadline.text)"
      )
    }
    options.timeToLive = try settings.value(timeToLive)
    options.backoffLimit = try settings.value(backoffLimit)
    return options
  }

  static func schedule(_ settings: inout Settings) throws -> Schedule {
    guard let schedule = try settings.value(schedule) else { throw UsageError("\(Self.schedule) is missing") }
    return schedule
  }

  static func broker(_ settings: inout Settings) throws -> BrokerManifestOptions {
    var options = BrokerManifestOptions(
      name: try settings.value(ManifestWorkerOptions.name) ?? brokerName,
      namespace: try settings.value(ManifestWorkerOptions.namespace),
      secret: try settings.value(ManifestWorkerOptions.secret),
      image: try settings.value(ManifestWorkerOptions.image) ?? brokerImage,
      resources: try ManifestResourceOptions.broker(&settings), storage: try settings.value(storage).description)
    options.additions = try ManifestPodOptions.additions(&settings)
    return options
  }
}
