/// What objects and their pods have that is no matter of what runs in them.
package struct PodAdditions: Hashable, Sendable {
  /// Of the objects and of their pods.
  package var labels: [KeyValue] = []
  package var annotations: [KeyValue] = []
  /// The Secrets by which images are pulled.
  package var pullSecrets: [String] = []
  /// Whom the pods are to the cluster; nil for nobody, without a token.
  package var serviceAccount: String?
  /// The labels of the nodes that will do.
  package var nodeSelector: [KeyValue] = []
  package var tolerations: [Toleration] = []

  package init() {}

  /// The keys of labels that are not a user's to set: the manifest does, or Kubernetes or KEDA on the pods that they make.
  package static let reservedLabels: Set<String> =
    Labels.keys.union([
      "controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name",
      "batch.kubernetes.io/job-completion-index", "pod-template-hash", "controller-revision-hash",
      "apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name", "scaledjob.keda.sh/name",
      "scaledobject.keda.sh/name",
    ])
}
