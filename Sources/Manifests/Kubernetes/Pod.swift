internal import YAML

struct PodTemplate: YAMLConvertible {
  /// Those of the object that makes the pods.
  var metadata: Metadata
  var spec: PodSpec

  var yaml: YAMLValue {
    .object(["metadata": metadata.ofTemplate, "spec": spec])
  }
}

struct PodSpec: YAMLConvertible {
  enum RestartPolicy: String {
    case never = "Never"
    case always = "Always"
  }

  var restartPolicy: RestartPolicy
  /// Seconds from TERM to KILL.
  var terminationGracePeriod: Int
  var userID: Int
  /// Whether volumes are to belong to a group of that number, too.
  var ownsVolumes = false
  var initContainers: [Container] = []
  var containers: [Container]
  var volumes: [Volume] = []
  var additions: PodAdditions

  var yaml: YAMLValue {
    .object([
      "restartPolicy": restartPolicy.rawValue, "terminationGracePeriodSeconds": terminationGracePeriod,
      // A Service named amqp, say, must not become variables that a program reads.
      "enableServiceLinks": false,
      // A service account that is named says itself whether its pods get a token.
      "serviceAccountName": additions.serviceAccount,
      "automountServiceAccountToken": additions.serviceAccount == nil ? false : nil,
      "imagePullSecrets": additions.pullSecrets.isEmpty
        ? nil : additions.pullSecrets.map { YAMLValue.object(["name": $0]) },
      "nodeSelector": additions.nodeSelector.mapping,
      "tolerations": additions.tolerations.isEmpty ? nil : additions.tolerations,
      "securityContext": securityContext,
      "initContainers": initContainers.isEmpty ? nil : initContainers,
      "containers": containers, "volumes": volumes.isEmpty ? nil : volumes,
    ])
  }

  private var securityContext: YAMLValue {
    .object([
      "runAsNonRoot": true, "runAsUser": userID, "runAsGroup": userID, "fsGroup": ownsVolumes ? userID : nil,
      "fsGroupChangePolicy": ownsVolumes ? "OnRootMismatch" : nil,
      "seccompProfile": YAMLValue.object(["type": "RuntimeDefault"]),
    ])
  }
}

struct Volume: YAMLConvertible {
  enum Source {
    /// Empty at first, gone with the pod, and no larger than that.
    case emptyDirectory(sizeLimit: String)
    /// An image's content, read-only.
    case image(reference: String)
    /// A file for each key.
    case secret(name: String)
    case configMap(name: String)
    /// A persistent volume.
    case claim(name: String)
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
    }
  }
}
