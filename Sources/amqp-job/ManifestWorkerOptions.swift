import Arguments
import Console
import Linux
import Manifests

/// The options of `amqp-job manifest` about pods that run workers.
enum ManifestWorkerOptions {
  static let pods = OptionGroup(
    "Pods",
    [
      QueueName.option,
      Option("image", value: "IMAGE", "the image that has COMMAND, as it is (for broker: rabbitmq:4.3)").everyday,
      Option(
        "inject", value: "init|image-volume", implied: "init",
        "put amqp-job into an image without it: by an init container, or an image volume"
      ).everyday,
      Option("runner-image", value: "IMAGE", "the image to inject it from (default amqp-job:1)"),
      Option("parallelism", value: "N", "most pods at a time (default 10; cronjob 1)"),
      Option("name", value: "NAME", "name of the objects (default like the queue's; for broker: rabbitmq)"),
      Option("namespace", value: "NAME", "their namespace (default none: kubectl's)"),
      Option("secret", value: "NAME", "the Secret with the broker's URL as BROKER_URL (default rabbitmq)"),
      Option(
        "tls-secret", value: "NAME",
        "a Secret whose ca.crt says who may sign the broker's certificate; for KEDA its key 'tls' is to be 'enable'"),
      Option(
        "token-secret", value: "NAME",
        "a Secret whose token, an OAuth 2 access token, is the password in the place of the URL's; not for KEDA"),
      Option("env", value: "NAME=VALUE", "a variable for COMMAND").repeatable.everyday,
      Option("user", value: "UID", "user and group to run as, by number (default 65532)"),
      Option("cpu", value: "AMOUNT", "processors to ask for (default 100m; broker 250m)"),
      Option(
        "cpu-limit", value: "AMOUNT", "most processors, of each container (default none; some quotas want one)"),
      Option("memory", value: "AMOUNT", "memory to ask for (default 256Mi; broker 512Mi)"),
      Option("memory-limit", value: "AMOUNT", "most memory (default as --memory; broker 1Gi)"),
      Option("tmp-size", value: "AMOUNT", "most space in /tmp, beside which nothing is writable (default 1Gi)"),
    ])

  static let runner = OptionGroup(
    "Runner",
    [
      Option("timeout", value: "DURATION", "end a worker that takes longer over an item (default 0: never)").everyday,
      Option("grace", value: "DURATION", "time from TERM to KILL for a worker, 0 for none (default 20s)"),
      Option(
        "on-term", value: "stop|finish",
        "stop workers, or let them end, which needs --timeout (default stop; where pods serve and there is a "
          + "--timeout: finish)"),
      Option("retry-delay", value: "DURATION", "time until a failed item is retried, 0 for none (default 10s)"),
      Option("max-attempts", value: "A", "attempts until it is dead-lettered (default 3)"),
      Option(
        "wait-first", value: "DURATION",
        "grant a missing or empty queue this time at first (default 60s; 0 where the pods are for what is there: "
          + "cronjob, scaledjob, and job if it asked the broker)"),
      Option("plain", "the queue stands alone: without retries and dead letters"),
    ])

  /// - Throws: `Failure`, `UsageError`
  static func options(
    _ settings: inout Settings, _ kind: ManifestCommand.Kind, _ command: [String]
  ) throws -> WorkerOptions {
    let queue = try QueueName.resolved(&settings)
    guard let image = try self.image("image", &settings) else { throw UsageError("--image is missing") }
    var options = WorkerOptions(
      name: try name(&settings) ?? ObjectName(resembling: queue), queue: queue, image: image, command: command,
      secret: try secret("secret", &settings) ?? usualSecret,
      resources: try resources(&settings, cpu: "100m", memory: "256Mi", memoryLimit: nil),
      temporarySpace: try amount("tmp-size", &settings)?.description ?? "1Gi", run: try run(&settings))
    options.namespace = try namespace(&settings)
    options.tlsSecret = try secret("tls-secret", &settings)
    options.tokenSecret = try secret("token-secret", &settings)
    options.injection = try injection(&settings)
    options.environment = try environment(&settings)
    options.volumes = try ManifestPodOptions.volumes(&settings)
    options.additions = try ManifestPodOptions.additions(&settings)
    options.userID = try settings.count("user", upTo: Int(Int32.max)) ?? options.userID
    // A CronJob often finds an empty queue, and one pod is enough to find that out.
    options.parallelism = try settings.count("parallelism", upTo: Int(Int32.max)) ?? (kind == .cronjob ? 1 : 10)
    return options
  }

  /// Whether the options demand that the queue has a retry and a dead-letter queue.
  /// - Throws: `Failure`
  static func asksForAttempts(_ settings: inout Settings) throws -> Bool {
    try settings.text("max-attempts") != nil || settings.text("retry-delay") != nil
  }

  // MARK: Options that apply to a broker, too

  static func name(_ settings: inout Settings) throws -> ObjectName? {
    let what = "a name of at most \(ObjectName.maxLength) lower-case letters, digits and '-', none of these at an end"
    return try settings.value("name", what) { ObjectName($0) }
  }

  static func namespace(_ settings: inout Settings) throws -> String? {
    try settings.value("namespace", "a name of lower-case letters, digits and '-'") { $0.isDNSLabel ? $0 : nil }
  }

  static let usualSecret = "rabbitmq"

  static let secretsName = "a name of lower-case letters, digits, '-' and '.'"

  static func secret(_ option: String, _ settings: inout Settings) throws -> String? {
    try settings.value(option, secretsName) { $0.isDNSSubdomain ? $0 : nil }
  }

  static func image(_ option: String, _ settings: inout Settings) throws -> ImageReference? {
    try settings.value(option, "an image such as python:3.13-alpine") { ImageReference($0) }
  }

  static func amount(_ option: String, _ settings: inout Settings) throws -> Quantity? {
    try settings.value(option, "an amount such as \(option.hasPrefix("cpu") ? "100m or 1.5" : "256Mi or 1Gi")") {
      Quantity($0)
    }
  }

  /// The parameters are the defaults. Without a default for the memory limit, the limit is the request.
  static func resources(
    _ settings: inout Settings, cpu: String, memory: String, memoryLimit: String?
  ) throws -> Resources {
    let cpuLimit = try amount("cpu-limit", &settings)
    let cpu = try amount("cpu", &settings) ?? [Quantity(cpu), cpuLimit].compactMap(\.self).min()
    guard let cpu, cpuLimit.map({ cpu <= $0 }) != false else { throw UsageError("--cpu is more than --cpu-limit") }
    let request = try amount("memory", &settings)
    let limit = try amount("memory-limit", &settings)
    let usualLimit = memoryLimit.flatMap { Quantity($0) }
    let asked = request ?? [Quantity(memory), limit].compactMap(\.self).min()
    let most = limit ?? [asked, usualLimit].compactMap(\.self).max()
    guard let asked, let most, asked <= most else { throw UsageError("--memory is more than --memory-limit") }
    return Resources(cpu: cpu, cpuLimit: cpuLimit, memory: asked, memoryLimit: most)
  }

  private static func injection(_ settings: inout Settings) throws -> Injection? {
    let image = try image("runner-image", &settings)
    guard let method: Injection.Method = try settings.choice("inject") else {
      guard !settings.given.contains("runner-image") else { throw UsageError("--runner-image goes with --inject") }
      return nil
    }
    guard let image = image ?? ImageReference("amqp-job:1") else { return nil }
    return Injection(method: method, image: image)
  }

  private static func environment(_ settings: inout Settings) throws -> [WorkerOptions.Variable] {
    let variables = try settings.list("env").map { setting in
      let parts = setting.asGiven.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, parts[0].isVariableName else {
        let what = "NAME=VALUE, the name of letters, digits, '_', '-' and '.'"
        throw UsageError("\(setting.source) is to be \(what), not '\(setting.text)'")
      }
      return WorkerOptions.Variable(name: parts[0], value: parts[1])
    }
    let names = variables.map(\.name)
    if let taken = names.first(where: WorkerOptions.reservedVariables.contains) {
      throw UsageError("--env \(taken)=... is not for you to set: the manifest does, or there is an option for it")
    }
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw UsageError("--env \(twice)=... is given twice")
    }
    return variables
  }

  private static func run(_ settings: inout Settings) throws -> RunOptions {
    var options = RunOptions()
    options.waitFirst = try settings.duration("wait-first")
    options.timeout = try settings.limit("timeout")
    options.grace = try settings.duration("grace") ?? options.grace
    options.onTerm = try settings.choice("on-term")
    let attempts = RunOptions.Attempts(
      max: try settings.count("max-attempts", upTo: Int(Int32.max)) ?? 3,
      retryDelay: try settings.duration("retry-delay") ?? .seconds(10))
    guard attempts.retryDelay < .milliseconds(UInt32.max) else { throw UsageError("--retry-delay is at most 49 days") }
    let isPlain = try settings.flag("plain")
    guard try !(isPlain && asksForAttempts(&settings)) else {
      throw UsageError("--plain goes with neither --max-attempts nor --retry-delay")
    }
    options.attempts = isPlain ? nil : attempts
    return options
  }
}
