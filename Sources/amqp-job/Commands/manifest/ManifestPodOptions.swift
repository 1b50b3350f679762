import Arguments
import Console
import Linux
import Manifests

/// The options of `amqp-job manifest` about objects and pods that do not depend on what runs in them.
enum ManifestPodOptions {
  static let label = RepeatableOption("label", .label, "a label of the objects and their pods")
  static let annotation = RepeatableOption("annotation", .annotation, "an annotation of the objects and their pods")
  static let pullSecret = RepeatableOption("pull-secret", .subdomain, "a Secret for pulling images")
  static let serviceAccount = Option(
    "service-account", .subdomain,
    "the service account of the pods; without one they get no token")
  static let nodeSelector = RepeatableOption("node-selector", .label, "a label that nodes must have")
  static let toleration = RepeatableOption(
    "toleration", .toleration, "a taint that nodes may have; without VALUE or EFFECT, any will do")
  static let volume = RepeatableOption(
    "volume", .volume,
    "a claim, a configmap or a secret that COMMAND and each step see at PATH; only a claim without :ro is writable; not "
      + "for broker")
  static let metrics = Option(
    "metrics", .listenAddress,
    "amqp-job serves metrics at this address in the pods, such as :9464, whose port is called metrics; not for broker")

  /// The options that a broker's pod has, too.
  static let shared: [any CommandOption] = [
    label, annotation, pullSecret, serviceAccount, nodeSelector, toleration,
  ]
  static let options = shared + [volume, metrics]

  /// - Throws: `UsageError`
  static func additions(_ settings: inout Settings) throws -> PodAdditions {
    var additions = PodAdditions()
    additions.labels = try distinctValues(label, &settings)
    if let taken = additions.labels.map(\.key).first(where: PodAdditions.reservedLabels.contains) {
      throw UsageError("\(label) \(taken)=... is not for you to set: the manifest does, or the cluster")
    }
    additions.annotations = try distinctValues(annotation, &settings)
    guard additions.annotations.map(\.size).reduce(0, +) <= KeyValue.maxTotalAnnotationSize else {
      throw UsageError("the annotations are more than 256 KiB, which is the most that Kubernetes takes")
    }
    additions.pullSecrets = try distinctValues(pullSecret, &settings)
    additions.serviceAccount = try settings.value(serviceAccount)
    additions.nodeSelector = try distinctValues(nodeSelector, &settings)
    additions.tolerations = try distinctValues(toleration, &settings)
    additions.metrics = try metricsAddress(&settings)
    return additions
  }

  private static func metricsAddress(_ settings: inout Settings) throws -> MetricsAddress? {
    guard let address = try settings.value(metrics) else { return nil }
    guard address.port != 0 else {
      throw UsageError("\(settings.naming(metrics)) is to name a port that Prometheus knows, not 0")
    }
    guard !address.isLoopback else {
      throw UsageError(
        "\(settings.naming(metrics)) is to be an address that Prometheus reaches, such as :\(address.port); only the pod "
          + "itself reaches \(address)")
    }
    return MetricsAddress("\(address)", port: address.port)
  }

  /// The option's values.
  /// - Throws: `UsageError` if two of them read the same
  private static func distinctValues<Value>(
    _ option: RepeatableOption<Value>, _ settings: inout Settings
  ) throws -> [Value] {
    let values = try settings.values(option)
    let texts = values.map(option.type.text)
    if let twice = texts.firstRepeated {
      throw UsageError("\(option) \(twice) is given twice")
    }
    return values
  }
}
