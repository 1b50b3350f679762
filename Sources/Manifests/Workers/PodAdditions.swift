/// Settings of objects and their pods that are independent of what the pods run.
package struct PodAdditions: Hashable, Sendable {
  /// The labels of the objects and of their pods.
  package var labels: [KeyValue] = []
  /// The annotations of the objects and of their pods.
  package var annotations: [KeyValue] = []
  /// The names of the Secrets for pulling images.
  package var pullSecrets: [String] = []
  /// The service account of the pods; nil for the default one, without a token.
  package var serviceAccount: String?
  /// The labels that a node must have.
  package var nodeSelector: [KeyValue] = []
  package var tolerations: [Toleration] = []
  /// Where amqp-job serves metrics in the pods; nil for nowhere.
  package var metrics: MetricsAddress?

  package init() {}

  /// The keys of labels that a user must not set. The manifest sets them, or Kubernetes or KEDA sets them on pods.
  package static let reservedLabels: Set<String> =
    Labels.keys.union([
      "controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name",
      "batch.kubernetes.io/job-completion-index", "pod-template-hash", "controller-revision-hash",
      "apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name", "scaledjob.keda.sh/name",
      "scaledobject.keda.sh/name",
    ])
}
