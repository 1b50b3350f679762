import Arguments
import Console
import Manifests

/// The options of `amqp-job manifest` that apply to some kinds only.
enum ManifestKindOptions {
  static let group = OptionGroup(
    "Some kinds only",
    [
      Option("completions", value: "N", "job: so many items, without asking the broker"),
      Option("drain", "job: pods that take items until the queue is drained, without asking the broker"),
      Option("active-deadline", value: "DURATION", "Jobs: the end of everything (default 24h)"),
      Option("ttl", value: "DURATION", "Jobs: remove them so long after their end (default never)"),
      Option(
        "backoff-limit", value: "N", "Jobs: pods that fail, until a Job is given up (default 6, or --completions)"),
      Option("schedule", value: "CRON", "cronjob: when, as in '*/5 * * * *'"),
      Option("target", value: "N", "deployment, scaledobject: items that are ready, for each pod (default 10)"),
      Option(
        "metric", value: "NAME",
        "deployment: the external metric with label queue (default rabbitmq_queue_messages_ready)"),
      Option("storage", value: "AMOUNT", "broker: the size of its volume (default 1Gi)"),
    ])

  private static let jobs: Set<ManifestCommand.Kind> = [.job, .cronjob, .scaledjob]
  private static let brokers: Set<String> = [
    "image", "name", "namespace", "secret", "cpu", "cpu-limit", "memory", "memory-limit", "label", "annotation",
    "pull-secret", "service-account", "node-selector", "toleration",
  ]

  /// Refuses options that apply to another kind only.
  /// - Throws: `UsageError`
  static func check(_ arguments: Arguments, _ kind: ManifestCommand.Kind) throws {
    let owners: KeyValuePairs<String, Set<ManifestCommand.Kind>> = [
      "completions": [.job], "drain": [.job], "active-deadline": jobs, "ttl": jobs, "backoff-limit": jobs,
      "schedule": [.cronjob], "target": [.deployment, .scaledobject], "metric": [.deployment], "storage": [.broker],
    ]
    for (option, kinds) in owners where arguments.contains(option) && !kinds.contains(kind) {
      let names = kinds.map(\.rawValue).sorted().joined(separator: ", ")
      throw UsageError("--\(option) goes with \(names), not with \(kind.rawValue)")
    }
    let others = [ManifestWorkerOptions.pods, ManifestPodOptions.group, ManifestWorkerOptions.runner]
      .flatMap(\.options).map(\.name)
    if kind == .broker, let option = others.first(where: { arguments.contains($0) && !brokers.contains($0) }) {
      throw UsageError("--\(option) does not go with broker")
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
    options.activeDeadline = try seconds("active-deadline", &settings) ?? options.activeDeadline
    for option in ["timeout", "wait-first"] {
      if let time = try settings.duration(option), time > options.activeDeadline {
        throw UsageError("--\(option) is more than --active-deadline, which is \(options.activeDeadline.text)")
      }
    }
    options.timeToLive = try seconds("ttl", &settings)
    options.backoffLimit = try settings.value("backoff-limit", "a whole number from 0") {
      Int($0).flatMap { (0...Int(Int32.max)).contains($0) ? $0 : nil }
    }
    return options
  }

  /// Reads a duration for Kubernetes, which takes whole seconds.
  private static func seconds(_ option: String, _ settings: inout Settings) throws -> Duration? {
    let duration = try settings.duration(option)
    guard duration.map({ $0 >= .seconds(1) && $0 <= .seconds(Int32.max) }) != false else {
      throw UsageError("--\(option) is from 1s to 68 years")
    }
    return duration
  }

  static func schedule(_ settings: inout Settings) throws -> Schedule {
    let what = "five fields such as '*/5 * * * *', or a word such as @daily"
    guard let schedule = try settings.value("schedule", what, read: { Schedule($0) }) else {
      throw UsageError("--schedule is missing")
    }
    return schedule
  }

  static func scaling(_ settings: inout Settings) throws -> ScalingOptions {
    ScalingOptions(
      metric: try settings.value("metric", "a metric's name") { $0.isMetricName ? $0 : nil }
        ?? "rabbitmq_queue_messages_ready",
      target: try settings.count("target", upTo: Int(Int32.max)) ?? 10)
  }

  static func broker(_ settings: inout Settings) throws -> BrokerManifestOptions {
    guard let name = try ManifestWorkerOptions.name(&settings) ?? ObjectName("rabbitmq"),
      let image = try ManifestWorkerOptions.image("image", &settings) ?? ImageReference("rabbitmq:4.3")
    else { preconditionFailure("these names are valid") }
    var options = BrokerManifestOptions(
      name: name, namespace: try ManifestWorkerOptions.namespace(&settings),
      secret: try ManifestWorkerOptions.secret("secret", &settings) ?? ManifestWorkerOptions.usualSecret, image: image,
      resources: try ManifestWorkerOptions.resources(
        &settings, cpu: "250m", memory: "512Mi", memoryLimit: "1Gi"),
      storage: try ManifestWorkerOptions.amount("storage", &settings)?.description ?? "1Gi")
    options.additions = try ManifestPodOptions.additions(&settings)
    return options
  }
}
