internal import YAML

struct PodTemplate: YAMLConvertible {
  /// The metadata of the object that creates the pods.
  var metadata: Metadata
  var spec: PodSpec

  var yaml: YAMLValue {
    .object(["metadata": metadata.templateYAML, "spec": spec.yaml(metadata.labels)])
  }
}

extension KubernetesObject {
  /// A Deployment. Without `replicas`, an autoscaler sets them.
  init(deployment metadata: Metadata, replicas: Int?, _ template: PodTemplate) {
    self.init(
      "apps/v1", "Deployment", metadata,
      spec: .object([
        "replicas": replicas, "selector": YAMLValue.object(["matchLabels": metadata.labels.selector]),
        "template": template,
      ]))
  }
}

struct PodSpec {
  enum RestartPolicy: String {
    case never = "Never"
    case always = "Always"
  }

  var restartPolicy: RestartPolicy
  /// The time in seconds from TERM to KILL.
  var terminationGracePeriod: Int
  /// The user id and the group id of the containers.
  var userID: Int
  /// Whether the volumes get that group id.
  var setsFSGroup = false
  var initContainers: [Container] = []
  var containers: [Container]
  var volumes: [Volume] = []
  /// Whether the pods are to be on different nodes, if that is possible.
  var isSpread = false
  /// The service account that the manifest makes. Kubernetes mounts no token of it.
  var ownAccount: String?
  var additions: PodAdditions

  /// The labels are those of the pod.
  func yaml(_ labels: Labels) -> YAMLValue {
    .object([
      "restartPolicy": restartPolicy.rawValue, "terminationGracePeriodSeconds": terminationGracePeriod,
      // Otherwise a Service named amqp, for example, would set variables such as AMQP_PORT in the containers.
      "enableServiceLinks": false,
      "serviceAccountName": additions.serviceAccount ?? ownAccount,
      "automountServiceAccountToken": additions.serviceAccount == nil || mountsToken ? false : nil,
      "imagePullSecrets": additions.pullSecrets.isEmpty
        ? nil : additions.pullSecrets.map { YAMLValue.object(["name": $0]) },
      "nodeSelector": additions.nodeSelector.mapping,
      "tolerations": additions.tolerations.isEmpty ? nil : additions.tolerations,
      "topologySpreadConstraints": isSpread ? [Self.spread(labels)] : nil,
      "securityContext": securityContext,
      "initContainers": initContainers.isEmpty ? nil : initContainers,
      "containers": containers, "volumes": volumes.isEmpty ? nil : volumes,
    ])
  }

  /// One of the containers gets the token of the service account, and the others must not have it. Otherwise a service account
  /// that the user names decides itself whether its pods get a token.
  private var mountsToken: Bool { volumes.contains { if case .serviceAccount = $0.source { true } else { false } } }

  private static func spread(_ labels: Labels) -> YAMLValue {
    .object([
      "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
      "labelSelector": YAMLValue.object(["matchLabels": labels.selector]),
    ])
  }

  private var securityContext: YAMLValue {
    .object([
      "runAsNonRoot": true, "runAsUser": userID, "runAsGroup": userID, "fsGroup": setsFSGroup ? userID : nil,
      "fsGroupChangePolicy": setsFSGroup ? "OnRootMismatch" : nil,
      "seccompProfile": YAMLValue.object(["type": "RuntimeDefault"]),
    ])
  }
}

struct Volume: YAMLConvertible {
  enum Source {
    /// A directory that is empty at first and is deleted with the pod.
    case emptyDirectory(sizeLimit: String)
    /// The content of an image, read-only.
    case image(reference: String)
    /// A Secret, with a file for each key.
    case secret(name: String)
    /// A ConfigMap, with a file for each key.
    case configMap(name: String)
    /// A persistent volume claim.
    case claim(name: String)
    /// What Kubernetes mounts for a pod's service account: its token, the cluster's authority, and the namespace.
    case serviceAccount
  }

  var name: String
  var source: Source

  init(_ name: String, _ source: Source) {
    self.name = name
    self.source = source
  }

  var yaml: YAMLValue {
    switch source {
    case .emptyDirectory(let limit):
      .object(["name": name, "emptyDir": YAMLValue.object(["sizeLimit": limit])])
    case .image(let reference):
      .object(["name": name, "image": YAMLValue.object(["reference": reference])])
    case .secret(let secret):
      .object(["name": name, "secret": YAMLValue.object(["secretName": secret])])
    case .configMap(let map):
      .object(["name": name, "configMap": YAMLValue.object(["name": map])])
    case .claim(let claim):
      .object(["name": name, "persistentVolumeClaim": YAMLValue.object(["claimName": claim])])
    case .serviceAccount:
      .object(["name": name, "projected": YAMLValue.object(["sources": Self.serviceAccountSources])])
    }
  }

  /// (<https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-token-volume>)
  private static var serviceAccountSources: [YAMLValue] {
    let authority = YAMLValue.object(["key": "ca.crt", "path": "ca.crt"])
    let namespace = YAMLValue.object([
      "path": "namespace", "fieldRef": YAMLValue.object(["fieldPath": "metadata.namespace"]),
    ])
    return [
      .object(["serviceAccountToken": YAMLValue.object(["path": "token", "expirationSeconds": 3600])]),
      .object(["configMap": YAMLValue.object(["name": "kube-root-ca.crt", "items": [authority]])]),
      .object(["downwardAPI": YAMLValue.object(["items": [namespace]])]),
    ]
  }
}
