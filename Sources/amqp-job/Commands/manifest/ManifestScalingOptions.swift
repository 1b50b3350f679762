import Arguments
import Console
import HTTP
import Linux
import Manifests

/// The options of `amqp-job manifest` that say by what the number of pods follows a queue.
enum ManifestScalingOptions {
  enum Measure: String, CaseIterable {
    case length, work
  }

  static let scaleBy = DefaultedOption("scale-by", .choice, default: Measure.length) {
    "scaledobject: let the number of pods follow the length of the queue, or its work (default \($0))"
  }
  static let prometheus = Option(
    "prometheus", .prometheus, "with \(scaleBy) work: where KEDA reads the metrics of the broker and of the pods")
  static let target = DefaultedOption("target", .kubernetesCount(), default: 10) {
    "deployment, scaledobject: number of ready items for each pod (default \($0))"
  }
  static let metric = DefaultedOption("metric", .metric, default: "rabbitmq_queue_messages_ready") {
    "deployment: the external metric with the label queue; with \(scaleBy) work: its name in Prometheus (default \($0))"
  }
  static let backlogTime = DefaultedOption("backlog-time", .kubernetesSeconds, default: Workload.backlogTime) {
    "with \(scaleBy) work: time in which the items that wait are to be worked off (default \($0))"
  }
  static let window = DefaultedOption("rate-window", .rateWindow, default: WorkScaling.defaultWindow) {
    "with \(scaleBy) work: time over which rates are taken, at least twice the interval at which Prometheus reads metrics "
      + "(default \($0))"
  }
  static let serviceTime = DefaultedOption("service-time", .serviceTime, default: WorkScaling.defaultServiceTime) {
    "with \(scaleBy) work: what an item is taken to need until one has been done (default \($0))"
  }
  static let seriesLabel = RepeatableOption(
    "series-label", .seriesLabel,
    "with \(scaleBy) work: a label that the broker's and the pods' metrics have, such as namespace=fruits")

  static let deletionCost = Run.deletionCost.described(
    "deployment, scaledobject: busy pods are scaled away last; adds a service account and a Role to patch pods")

  static let options: [any CommandOption] = [
    deletionCost, scaleBy, prometheus, target, metric, backlogTime, window, serviceTime, seriesLabel,
  ]

  /// The options that go with the work only.
  private static let ofWork: [any CommandOption] = [prometheus, backlogTime, window, serviceTime, seriesLabel]

  static var owners: [ManifestKindOptions.Owned] {
    let shared: [ManifestKindOptions.Owned] = [
      (deletionCost, [.deployment, .scaledobject]), (target, [.deployment, .scaledobject]),
      (metric, [.deployment, .scaledobject]),
    ]
    return shared + ([scaleBy] + ofWork).map { option in (option, [.scaledobject]) }
  }

  /// How the length of the queue decides about the number of pods.
  /// - Throws: `UsageError`
  static func length(_ settings: inout Settings) throws -> ScalingOptions {
    ScalingOptions(metric: try settings.value(metric), target: try settings.value(target))
  }

  static func scaledObject(_ settings: inout Settings, _ worker: WorkerOptions) throws -> Manifest {
    guard let work = try work(&settings, worker) else { return try .scaledObject(worker, try length(&settings)) }
    return try .scaledObject(worker, work)
  }

  /// How the work of the queue decides about the number of pods; nil if its length does.
  /// - Throws: `UsageError`
  private static func work(_ settings: inout Settings, _ worker: WorkerOptions) throws -> WorkScaling? {
    guard case .work = try settings.value(scaleBy) else {
      try Run.refuseAlone(ofWork + [metric], without: "\(scaleBy) work", settings)
      return nil
    }
    try Run.refuseAlone([target], without: "\(scaleBy) length", settings)
    guard let server = try settings.value(prometheus) else {
      throw UsageError("\(settings.naming(scaleBy)) work needs \(prometheus) URL, which is asked for the metrics")
    }
    var scaling = WorkScaling(prometheus: server)
    if let setting = try settings.valueIfSet(metric) {
      guard let metric = QueueMetric(ready: setting) else {
        throw UsageError(
          "\(settings.naming(metric)) is to be one of RabbitMQ's that end with _ready, not '\(setting)'")
      }
      scaling.metric = metric
    }
    // Each item of a batch is worked on for as long as the batch.
    scaling.parallelism = try parallelism(worker) * (worker.run.feeding?.batch ?? 1)
    scaling.backlogTime = try settings.value(backlogTime)
    scaling.window = try settings.value(window)
    scaling.serviceTime = try settings.value(serviceTime)
    scaling.labels = try labels(&settings)
    return scaling
  }

  /// - Throws: `UsageError` if no series can have all of them
  private static func labels(_ settings: inout Settings) throws -> [SeriesLabel] {
    let labels = try settings.values(seriesLabel)
    let names = labels.map(\.name)
    if let name = names.first(where: SeriesLabel.namesOfQueue.contains) {
      throw UsageError("\(seriesLabel) \(name)=... is not for you to set: it names the queue")
    }
    if let name = names.first(where: SeriesLabel.namesOfOneSide.contains) {
      throw UsageError(
        "\(seriesLabel) \(name)=... finds nothing: the broker's metrics and the pods' have no such label in common")
    }
    if let twice = names.firstRepeated {
      throw UsageError("\(seriesLabel) \(twice)=... is given twice")
    }
    return labels
  }

  /// The number of workers that each pod has at the same time.
  /// - Throws: `UsageError` if only Kubernetes knows it
  private static func parallelism(_ worker: WorkerOptions) throws -> Int {
    let name = Settings.variableName(ofOption: Run.parallelism.name)
    let variables = worker.environment.filter { $0.name == name }
    if let unknown = variables.first(where: \.refersToOthers) {
      throw UsageError("\(scaleBy) work needs a number in \(ManifestWorkerOptions.environment) \(unknown.name)=...")
    }
    var settings = Settings(Arguments(), environment: variables.map(\.entry))
    return try settings.value(Run.parallelism)
  }
}

extension ValueType where Value == String {
  /// The URL of a server, without credentials, which a manifest must not hold.
  fileprivate static var prometheus: Self {
    Self(
      "URL",
      expected:
        "a URL such as http://prometheus.monitoring.svc:9090, which KEDA reaches from its own pod, without a user, a password, a "
        + "query or the path /api/v1"
    ) { text in
      guard let origin = try? HTTPOrigin(parsing: text), !origin.path.split(separator: "/").contains("api") else {
        return nil
      }
      return ListenAddress(host: origin.host, port: origin.port).isLoopback ? nil : text
    }
  }
}

extension ValueType where Value == Duration {
  fileprivate static var rateWindow: Self {
    duration.limited("is from 10s to 24h") { $0 >= .seconds(10) && $0 <= .seconds(24 * 3600) }
  }

  fileprivate static var serviceTime: Self { duration.limited("is more than 0") { $0 > .zero } }
}

extension ValueType where Value == SeriesLabel {
  fileprivate static var seriesLabel: Self {
    Self(
      "NAME=VALUE",
      expected:
        "NAME=VALUE, the name of letters, digits and '_', without '__' at its start, and the value without '~' there"
    ) {
      SeriesLabel($0)
    }
  }
}
