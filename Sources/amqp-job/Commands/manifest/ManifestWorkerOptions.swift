import Arguments
import Broker
import Console
import JobRunner
import Manifests

/// The options of `amqp-job manifest` about pods that run workers.
enum ManifestWorkerOptions {
  static let image = Option(
    "image", .image, "the image with COMMAND (for broker: \(ManifestKindOptions.brokerImage))"
  ).common
  static let inject = Option<Injection.Method>(
    "inject", .choice, implied: Injection.Method.initContainer.rawValue,
    "put amqp-job into an image that lacks it, by an init container or an image volume"
  ).common
  static let runnerImage = DefaultedOption("runner-image", .image, default: ValueType.image.constant("amqp-job:1")) {
    "the image to inject it from, and of a runner without COMMAND or a sidecar (default \($0))"
  }
  static let parallelism = Option(
    "parallelism", .kubernetesCount(),
    "maximum number of pods at a time (default \(WorkerOptions.defaultParallelism); cronjob \(cronJobParallelism); with "
      + "\(ManifestLeaderOptions.lead) \(LeaderOptions.defaultReplicas))")
  static let name = Option(
    "name", .objectName,
    "name of the objects (default from the name of the queue or election; for broker: \(ManifestKindOptions.brokerName))"
  )
  static let namespace = Option("namespace", .namespace, "their namespace (default none: kubectl's)")
  static let secret = DefaultedOption("secret", .subdomain, default: "rabbitmq") {
    "the Secret with the broker's URL as BROKER_URL (default \($0))"
  }
  static let tlsSecret = Option(
    "tls-secret", .subdomain,
    "a Secret whose ca.crt has the authorities for the broker's certificate; for KEDA its key 'tls' must be 'enable'")
  static let tokenSecret = Option(
    "token-secret", .subdomain,
    "a Secret whose token is an OAuth 2 access token, which replaces the URL's password; not for KEDA")
  static let environment = RepeatableOption(
    "env", .variable,
    "a variable for COMMAND and steps, or with AMQP_ for the runner alone"
  ).common
  static let user = DefaultedOption("user", .kubernetesCount("UID"), default: WorkerOptions.defaultUserID) {
    "number of the user and group to run as (default \($0))"
  }
  static let temporarySpace = DefaultedOption("tmp-size", .bytes, default: ValueType.bytes.constant("1Gi")) {
    "size limit of /tmp, the only writable directory (default \($0))"
  }

  static let onTerm = Run.onTerm.described(
    "on TERM, stop the workers or let them finish, which needs \(Run.timeout) (default stop; for pods that serve with a "
      + "\(Run.timeout): finish)")
  static let waitFirst = Run.waitFirst.described(
    "how long to wait at first for a queue that is missing or empty (default \(RunOptions.defaultWaitFirst.text); 0 for pods that take what is there: "
      + "cronjob, scaledjob, and job if it asked the broker)")
  static let plain = Flag("plain", "the queue has no retry and dead-letter queues")

  /// The options that a broker's pod has, too.
  static let shared: [any CommandOption] =
    [image, name, namespace, secret] + ManifestResourceOptions.options

  static let podOptions: [any CommandOption] =
    [
      QueueName.option, image, inject, runnerImage, parallelism, name, namespace, secret, tlsSecret, tokenSecret,
      environment, user,
    ] + ManifestResourceOptions.options + [temporarySpace]

  static let runnerOptions: [any CommandOption] =
    [
      Run.timeout, Run.grace, onTerm, Run.retryDelay, Run.retryBackoff, Run.retryMax, Run.retryJitter, Run.maxAttempts,
      Run.maxItemAge, waitFirst, plain, Run.resultQueue, Run.resultOn, Run.resultMax,
    ] + ManifestBatchOptions.options

  /// A CronJob's pods wait for an item each time. As there mostly is none, one pod is enough to find that out.
  private static let cronJobParallelism = 1

  /// - Throws: `UsageError`
  static func options(
    _ settings: inout Settings, _ kind: ManifestCommand.Kind, _ command: [String]
  ) throws -> WorkerOptions {
    let queue = try QueueName.resolved(&settings)
    let division = try ManifestStepOptions.division(&settings, command)
    var options = WorkerOptions(
      name: try settings.value(name) ?? ObjectName(resembling: queue), queue: queue, image: division.image,
      command: division.command,
      secrets: try secrets(&settings), resources: division.resources,
      temporarySpace: try settings.value(temporarySpace).description, run: try run(&settings, queue: queue))
    options.namespace = try settings.value(namespace)
    options.steps = division.steps
    options.run.feeding = try ManifestBatchOptions.feeding(
      &settings, kind, options.run, options.command, hasSteps: !options.steps.isEmpty)
    options.injection = try injection(&settings, isImageUsed: !division.steps.isEmpty)
    // Steps need amqp-job in images that lack it, and it has to be that of the runner.
    if !division.steps.isEmpty, options.injection == nil {
      options.injection = Injection(method: .initContainer, image: try settings.value(runnerImage))
    }
    options.tellsDeletionCost = try settings.value(ManifestScalingOptions.deletionCost)
    options.environment = try variables(
      &settings, reserved: WorkerOptions.reservedVariables(tellsDeletionCost: options.tellsDeletionCost))
    options.volumes = try settings.values(ManifestPodOptions.volume)
    options.additions = try ManifestPodOptions.additions(&settings)
    options.userID = try settings.value(user)
    options.parallelism =
      try settings.value(parallelism) ?? (kind == .cronjob ? cronJobParallelism : options.parallelism)
    return options
  }

  /// - Throws: `UsageError`
  static func secrets(_ settings: inout Settings) throws -> BrokerSecrets {
    BrokerSecrets(
      url: try settings.value(secret), tls: try settings.value(tlsSecret), token: try settings.value(tokenSecret))
  }

  /// Whether the user asked for a retry and a dead-letter queue.
  /// - Throws: `UsageError`
  static func asksForAttempts(_ settings: inout Settings) throws -> Bool {
    try settings.valueIfSet(Run.maxAttempts) != nil || settings.valueIfSet(Run.retryDelay) != nil
      || settings.value(Run.retryBackoff) != nil
  }

  /// How amqp-job gets into the image, if the user has said it. The runner's image may have another use as well.
  /// - Throws: `UsageError`
  static func injection(_ settings: inout Settings, isImageUsed: Bool) throws -> Injection? {
    guard let method = try settings.value(inject) else {
      guard isImageUsed || !settings.isGiven(runnerImage) else {
        throw UsageError("\(runnerImage) goes with \(inject), with steps, or with \(ManifestLeaderOptions.http)")
      }
      return nil
    }
    return Injection(method: method, image: try settings.value(runnerImage))
  }

  /// - Throws: `UsageError`
  static func variables(
    _ settings: inout Settings, reserved: Set<String>
  ) throws -> [WorkerOptions.Variable] {
    let variables = try settings.values(environment)
    let names = variables.map(\.name)
    if let taken = names.first(where: reserved.contains) {
      throw UsageError(ManifestAdvice.refusal(ofVariable: taken))
    }
    if let twice = names.firstRepeated {
      throw UsageError("\(environment) \(twice)=... is given twice")
    }
    for variable in variables { try variable.checkForRunner() }
    return variables
  }

  private static func run(_ settings: inout Settings, queue: String) throws -> RunOptions {
    var options = RunOptions(grace: try settings.value(Run.grace))
    options.waitFirst = try settings.valueIfSet(waitFirst)
    options.timeout = try settings.value(Run.timeout)
    options.onTerm = try settings.value(onTerm).flatMap { .init(rawValue: $0.rawValue) }
    options.maxItemAge = try settings.value(Run.maxItemAge)
    options.results = try results(&settings, queue: queue)
    guard try settings.value(plain) else {
      options.attempts = .init(
        max: try settings.value(Run.maxAttempts), retryDelay: try settings.value(Run.retryDelay),
        backoff: try backoff(&settings, queue: queue))
      return options
    }
    guard try !asksForAttempts(&settings) else {
      let asking: [any CommandOption] = [Run.maxAttempts, Run.retryDelay, Run.retryBackoff]
      let given = asking.filter { settings.isGiven($0) }
      throw UsageError(
        "\(settings.naming(plain)) excludes \((given.isEmpty ? asking : given).map(\.description).joined(separator: ", ")): the "
          + "queue has no retry queue")
    }
    guard options.maxItemAge == nil else {
      throw UsageError(
        "\(settings.naming(plain)) excludes \(settings.naming(Run.maxItemAge)), which dead-letters items")
    }
    return options
  }

  private static func backoff(_ settings: inout Settings, queue: String) throws -> RunOptions.Backoff? {
    guard let backoff = try Run.backoff(&settings) else { return nil }
    _ = try (Run.jitter(&settings, backoff), QueueName.family(queue, retryLevels: backoff.levelCount))
    return RunOptions.Backoff(
      factor: backoff.factor, maxDelay: try settings.valueIfSet(Run.retryMax),
      jitter: try settings.valueIfSet(Run.retryJitter))
  }

  private static func results(_ settings: inout Settings, queue: String) throws -> RunOptions.Results? {
    guard let results = try Run.resultTarget(&settings, queue: queue) else { return nil }
    return RunOptions.Results(
      queue: results, occasion: try settings.valueIfSet(Run.resultOn)?.rawValue,
      maxSize: try settings.valueIfSet(Run.resultMax)?.byteCountText)
  }
}
