/// What objects and their pods have that is no matter of what runs in them.
public struct PodAdditions: Hashable, Sendable {
  /// Of the objects and of their pods.
  public var labels: [KeyValue] = []
  public var annotations: [KeyValue] = []
  /// The Secrets by which images are pulled.
  public var pullSecrets: [String] = []
  /// Whom the pods are to the cluster; nil for nobody, without a token.
  public var serviceAccount: String?
  /// The labels of the nodes that will do.
  public var nodeSelector: [KeyValue] = []
  public var tolerations: [Toleration] = []

  public init() {}

  /// The keys of labels that are not a user's to set: the manifest does, or Kubernetes or KEDA on the pods that they make.
  public static let reservedLabels: Set<String> =
    Labels.keys.union([
      "controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name",
      "batch.kubernetes.io/job-completion-index", "pod-template-hash", "controller-revision-hash",
      "apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name", "scaledjob.keda.sh/name",
      "scaledobject.keda.sh/name",
    ])
}
