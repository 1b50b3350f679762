import Arguments
import Console
import Linux
import Manifests

/// `amqp-job manifest`
enum ManifestCommand: ToolCommand {
  enum Kind: String, CaseIterable {
    case job, cronjob, deployment, scaledjob, scaledobject, broker

    /// What people call the kinds besides.
    static let synonyms = [
      "cj": cronjob, "deploy": deployment, "deployments": deployment, "sj": scaledjob, "keda": scaledjob,
      "so": scaledobject,
      "rabbitmq": broker, "statefulset": broker,
    ].mapValues(\.rawValue)
  }

  static let name = "manifest"
  static let definition = Command(
    tool: Main.tool, name: name, summary: "Write Kubernetes objects that run a command on items of a queue.",
    examples: [
      "amqp-job manifest job -q fruits --image busybox:1.37 --inject -- cat",
      "amqp-job manifest scaledjob -q fruits --image example/worker:1 -- worker",
      "amqp-job manifest job -q fruits --step 'cut example/cut:1 cut'",
      "amqp-job manifest broker | kubectl create --save-config -f -",
    ],
    notes:
      """
      A job has a pod for each item that the broker has. A cronjob starts a Job on a schedule, and that Job drains \
      the queue. A deployment has pods that serve the queue, and an autoscaler. With scaledjob, KEDA makes a Job for \
      each item. With scaledobject, KEDA scales a Deployment. With --lead, a deployment is an application whose pods \
      elect a leader, and needs no queue. With --from, a deployment or cronjob publishes what a source has. The kind broker is RabbitMQ. Its Secret has a new \
      password each time, so make it only once. Only job asks the broker, and it does not ask with --drain or \
      --completions. A manifest that is made without asking assumes that 'amqp-job declare' made the queue, unless \
      --plain is given. The pods of a cronjob or scaledjob fail at once with status 66 if the queue is missing. With \
      --wait-first 60s, they wait for it that long. If the broker is a Service that cannot be reached from this \
      machine, 'kubectl port-forward service/NAME 5672:5672' lets job ask it at localhost, and --completions N makes \
      the Job without asking. The pods get the broker's URL from a Secret, never from this command. The words of a \
      step are split as a shell splits them, but nothing is expanded. Each step starts before the runner, and gets \
      amqp-job by --inject. Any other option \
      of run can be set with --env, as in --env AMQP_JOB_REJECT_ON=2. An image volume needs Kubernetes 1.35, or the \
      feature gate ImageVolume.
      """,
    operands: .oneAndRest(first: "KIND", rest: "COMMAND [ARG...]"),
    choices: Kind.allCases.map(\.rawValue),
    groups: [
      OptionGroup("Pods", ManifestWorkerOptions.podOptions), OptionGroup("Steps", ManifestStepOptions.options),
      OptionGroup("Cluster", ManifestPodOptions.options),
      OptionGroup("Runner", ManifestWorkerOptions.runnerOptions), ManifestKindOptions.group,
      OptionGroup("Number of pods", ManifestScalingOptions.options),
      OptionGroup("Leader", ManifestLeaderOptions.options), OptionGroup("Source", ManifestSourceOptions.options),
      BrokerOptions.group, LogOptions.group(verbose: "which broker answers"),
    ],
    exitStatuses: [
      Explained(.success, "The objects are on standard output."),
      Explained(.failure, "With job, the queue is empty, so there is nothing to do."),
      StatusMeaning.usage, Explained(.noQueue, "With job, there is no such queue."),
      Explained(.unreachable, "With job, the broker was out of reach for --connect-timeout."),
      StatusMeaning.noResources, StatusMeaning.unwritableLog,
      Explained(.temporaryFailure, "With job, the connection was lost."),
      Explained(
        .notPermitted,
        "With job, the broker refuses the login or a permission. Or, with TLS, one side does not trust the other."),
      Explained(
        .wrongQueue,
        "With job, the pods would refuse the queue. It is of an unsupported kind, or has not the retry and dead-letter "
          + "queue that options need."),
      StatusMeaning.unread,
    ],
    adviceOnUnknown: ManifestAdvice.replacement)

  static func run(_ arguments: Arguments) throws {
    var settings = Settings(arguments, environment: ThisProcess.environment)
    let name = try settings.operands()[0].text
    guard let kind = Kind(rawValue: name) else { throw definition.notAChoice(name, synonyms: Kind.synonyms) }
    try ManifestKindOptions.check(arguments, kind)
    let command = Array(try arguments.operandTexts().dropFirst())
    do {
      try Output.write(try manifest(kind, arguments, command, &settings).text)
    } catch let error as Manifest.InvalidOptions {
      throw UsageError("\(error)")
    }
  }

  private static func manifest(
    _ kind: Kind, _ arguments: Arguments, _ command: [String], _ settings: inout Settings
  ) throws -> Manifest {
    guard kind != .broker else {
      guard command.isEmpty else { throw UsageError("a broker takes no COMMAND") }
      var generator = SystemRandomNumberGenerator()
      return try .broker(try ManifestKindOptions.broker(&settings), using: &generator)
    }
    if let publisher = try ManifestSourceOptions.options(arguments, &settings, kind, command) {
      let reporter = try LogOptions.reporter(&settings)
      ManifestAdvice.warnings(publisher).forEach { reporter.report(LogEntry(.warning, "\($0)")) }
      guard kind == .cronjob else { return try .deployment(publisher) }
      return try .cronJob(
        publisher, try ManifestKindOptions.job(&settings), schedule: try ManifestKindOptions.schedule(&settings))
    }
    if kind == .deployment, let leader = try ManifestLeaderOptions.options(arguments, &settings, command) {
      let reporter = try LogOptions.reporter(&settings)
      ManifestAdvice.warnings(leader).forEach { reporter.report(LogEntry(.warning, "\($0)")) }
      return try .deployment(leader)
    }
    try ManifestStepOptions.check(command, &settings)
    var worker = try ManifestWorkerOptions.options(&settings, kind, command)
    let reporter = try LogOptions.reporter(&settings)
    ManifestAdvice.warnings(worker).forEach { reporter.report(LogEntry(.warning, "\($0)")) }
    let manifest = try manifest(kind, &worker, &settings, reporter)
    if let needed = try ManifestAdvice.neededQueues(worker, &settings) {
      reporter.report(LogEntry(.notice, "\(needed)"))
    }
    return manifest
  }

  private static func manifest(
    _ kind: Kind, _ worker: inout WorkerOptions, _ settings: inout Settings, _ reporter: Reporter
  ) throws -> Manifest {
    switch kind {
    case .job:
      let job = try ManifestKindOptions.job(&settings)
      let extent = try ManifestExtent.determine(&settings, &worker, reporter)
      try PodSettings.check(worker, extent == .drain ? .drain : .oneItem)
      return try .job(worker, job, extent)
    case .cronjob:
      try PodSettings.check(worker, .drain)
      let schedule = try ManifestKindOptions.schedule(&settings)
      return try .cronJob(worker, try ManifestKindOptions.job(&settings), schedule: schedule)
    case .scaledjob:
      try PodSettings.check(worker, .oneItem)
      return try .scaledJob(worker, try ManifestKindOptions.job(&settings))
    case .deployment:
      try PodSettings.check(worker, .forever)
      return try .deployment(worker, try ManifestScalingOptions.length(&settings))
    case .scaledobject:
      try PodSettings.check(worker, .forever)
      return try ManifestScalingOptions.scaledObject(&settings, worker)
    case .broker: preconditionFailure("has been made above")
    }
  }
}
