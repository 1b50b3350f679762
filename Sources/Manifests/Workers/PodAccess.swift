internal import YAML

/// What lets the pods of a Deployment tell Kubernetes what it costs to delete them. Only the runner's container gets a token.
struct PodAccess {
  private static let directory = "/var/run/secrets/kubernetes.io/serviceaccount"
  private static let volumeName = "kubernetes"

  static let mount = VolumeMount(name: volumeName, path: directory, isReadOnly: true)
  static let volume = Volume(volumeName, .serviceAccount)
  static let variables = [ContainerVariable.podName, ContainerVariable("AMQP_JOB_DELETION_COST", .value("true"))]
  /// The variables that a user must not set beside these.
  static let reservedVariables: Set<String> = ["POD_NAME"]

  /// The metadata of the workers' objects.
  let metadata: Metadata
  /// The service account that the user names. nil for one of the Deployment's own.
  let account: String?

  private var accountName: String { account ?? metadata.name }

  /// A Role to patch pods (<https://kubernetes.io/docs/reference/access-authn-authz/rbac/>), since a pod's name is not known
  /// before, and who has it.
  var objects: [KubernetesObject] {
    let group = "rbac.authorization.k8s.io"
    let rule = YAMLValue.object(["apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]])
    let subject = YAMLValue.object([
      "kind": "ServiceAccount", "name": accountName, "namespace": metadata.namespace,
    ])
    let role = YAMLValue.object(["apiGroup": group, "kind": "Role", "name": metadata.name])
    let access = [
      KubernetesObject("\(group)/v1", "Role", metadata, content: [.init("rules", .sequence([rule]))]),
      KubernetesObject(
        "\(group)/v1", "RoleBinding", metadata,
        content: [.init("subjects", .sequence([subject])), .init("roleRef", role)]),
    ]
    guard account == nil else { return access }
    return [
      KubernetesObject(
        "v1", "ServiceAccount", metadata, content: [.init("automountServiceAccountToken", .boolean(false))])
    ] + access
  }
}
