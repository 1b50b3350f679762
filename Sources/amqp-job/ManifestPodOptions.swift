import Arguments
import Console
import Manifests

/// The options of `amqp-job manifest` about objects and pods that do not depend on what runs in them.
enum ManifestPodOptions {
  static let group = OptionGroup(
    "Cluster",
    [
      Option("label", value: "KEY=VALUE", "a label of the objects and their pods").repeatable,
      Option("annotation", value: "KEY=VALUE", "an annotation of the objects and their pods").repeatable,
      Option("pull-secret", value: "NAME", "a Secret to pull images by").repeatable,
      Option(
        "service-account", value: "NAME",
        "whom the pods are to the cluster, and whether they get a token (default nobody, without)"),
      Option("node-selector", value: "KEY=VALUE", "a label that nodes must have").repeatable,
      Option(
        "toleration", value: "KEY[=VALUE][:EFFECT]", "a taint that nodes may have; any value and effect if not said"
      ).repeatable,
      Option(
        "volume", value: "KIND/NAME:PATH[:ro]",
        "what COMMAND sees at PATH: a claim, which it may write to unless :ro, a configmap or a secret; not for broker"
      ).repeatable,
    ])

  /// - Throws: `Failure`, `UsageError`
  static func additions(_ settings: inout Settings) throws -> PodAdditions {
    var additions = PodAdditions()
    additions.labels = try labels("label", &settings)
    if let taken = additions.labels.map(\.key).first(where: PodAdditions.reservedLabels.contains) {
      throw UsageError("--label \(taken)=... is not for you to set: the manifest does, or the cluster")
    }
    additions.annotations = try annotations(&settings)
    additions.pullSecrets = try list("pull-secret", ManifestWorkerOptions.secretsName, &settings) {
      $0.text.isDNSSubdomain ? $0.text : nil
    }
    try refuseTwice("pull-secret", additions.pullSecrets)
    additions.serviceAccount = try ManifestWorkerOptions.secret("service-account", &settings)
    additions.nodeSelector = try labels("node-selector", &settings)
    let what = "KEY[=VALUE][:EFFECT] of a taint, the effect NoSchedule, PreferNoSchedule or NoExecute"
    additions.tolerations = try list("toleration", what, &settings) { Toleration($0.text) }
    try refuseTwice("toleration", additions.tolerations.map(\.description))
    return additions
  }

  /// - Throws: `Failure`, `UsageError`
  static func volumes(_ settings: inout Settings) throws -> [MountedVolume] {
    let kinds = MountedVolume.Kind.allCases.map(\.rawValue).joined(separator: ", ")
    let what = "KIND/NAME:PATH or KIND/NAME:PATH:ro, KIND one of \(kinds), PATH absolute"
    return try list("volume", what, &settings) { MountedVolume($0.text) }
  }

  private static func labels(_ option: String, _ settings: inout Settings) throws -> [KeyValue] {
    let what = "KEY=VALUE of a label: up to 63 letters, digits, '-', '_' and '.', KEY perhaps after a domain and '/'"
    let labels = try list(option, what, &settings) { KeyValue(label: $0.text) }
    try refuseTwice(option, labels.map { "\($0.key)=..." })
    return labels
  }

  private static func annotations(_ settings: inout Settings) throws -> [KeyValue] {
    let what = "KEY=VALUE, KEY up to 63 letters, digits, '-', '_' and '.', perhaps after a domain and '/'"
    let annotations = try list("annotation", what, &settings) { KeyValue(annotation: $0.asGiven) }
    try refuseTwice("annotation", annotations.map { "\($0.key)=..." })
    guard annotations.map(\.size).reduce(0, +) <= KeyValue.maxTotalAnnotationSize else {
      throw UsageError("the annotations are more than 256 KiB, which is the most that Kubernetes takes")
    }
    return annotations
  }

  private static func list<Value>(
    _ option: String, _ what: String, _ settings: inout Settings, read: (Setting) -> Value?
  ) throws -> [Value] {
    try settings.list(option).map { setting in
      guard let value = read(setting) else {
        throw UsageError("\(setting.source) is to be \(what), not '\(setting.text)'")
      }
      return value
    }
  }

  private static func refuseTwice(_ option: String, _ words: [String]) throws(UsageError) {
    if let twice = words.first(where: { word in words.count { $0 == word } > 1 }) {
      throw UsageError("--\(option) \(twice) is given twice")
    }
  }
}
