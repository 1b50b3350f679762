internal import YAML

struct Container: YAMLConvertible {
  var name: String
  var image: String
  /// Whether this is a native sidecar: an init container that runs beside the pod's containers, and is started again.
  var isSidecar = false
  /// Replaces the image's entry point, unless it is empty.
  var command: [String] = []
  var arguments: [String] = []
  var environment: [ContainerVariable] = []
  var ports: [ContainerPort] = []
  var startupProbe: Probe?
  var readinessProbe: Probe?
  var livenessProbe: Probe?
  var resources: Resources
  var hasReadOnlyRootFilesystem = true
  var mounts: [VolumeMount] = []

  var yaml: YAMLValue {
    .object([
      "name": name, "image": image, "restartPolicy": isSidecar ? "Always" : nil,
      "command": command.isEmpty ? nil : command.map(\.escapingReferences),
      "args": arguments.isEmpty ? nil : arguments.map(\.escapingReferences),
      "env": environment.isEmpty ? nil : environment,
      "ports": ports.isEmpty ? nil : ports,
      "startupProbe": startupProbe, "readinessProbe": readinessProbe, "livenessProbe": livenessProbe,
      "resources": resources.yaml, "securityContext": securityContext,
      "volumeMounts": mounts.isEmpty ? nil : mounts,
    ])
  }

  /// Satisfies the level "restricted" of the Pod Security Standards. The read-only root file system goes beyond it.
  private var securityContext: YAMLValue {
    .object([
      "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": hasReadOnlyRootFilesystem ? true : nil,
      "capabilities": YAMLValue.object(["drop": ["ALL"]]),
    ])
  }
}

struct ContainerVariable: YAMLConvertible {
  enum Source {
    case value(String)
    case secret(name: String, key: String)
    /// A field of the pod (<https://kubernetes.io/docs/concepts/workloads/pods/downward-api/>).
    case field(String)
  }

  var name: String
  var source: Source

  init(_ name: String, _ source: Source) {
    self.name = name
    self.source = source
  }

  static let podName = ContainerVariable("POD_NAME", .field("metadata.name"))

  var yaml: YAMLValue {
    switch source {
    case .field(let path):
      .object([
        "name": name,
        "valueFrom": YAMLValue.object(["fieldRef": YAMLValue.object(["fieldPath": path])]),
      ])
    case .value(let value): .object(["name": name, "value": value.escapingReferences])
    case .secret(let secret, let key):
      .object([
        "name": name,
        "valueFrom": YAMLValue.object(["secretKeyRef": YAMLValue.object(["name": secret, "key": key])]),
      ])
    }
  }
}

struct ContainerPort: YAMLConvertible {
  var name: String
  var number: Int

  var yaml: YAMLValue { .object(["name": name, "containerPort": number]) }
}

struct VolumeMount: YAMLConvertible {
  var name: String
  var path: String
  var isReadOnly = false

  var yaml: YAMLValue { .object(["name": name, "mountPath": path, "readOnly": isReadOnly ? true : nil]) }
}

extension String {
  /// The text with its dollar signs escaped where necessary. In a container's command, arguments and variables, Kubernetes
  /// replaces `$(NAME)` by the value of that variable, and `$$` by `$`.
  var escapingReferences: String {
    var result = ""
    var rest = self[...]
    while let start = rest.firstIndex(of: "$") {
      result += rest[..<start]
      let dollars = rest[start...].prefix { $0 == "$" }
      rest = rest[dollars.endIndex...]
      let needsEscape = dollars.count > 1 || rest.first == "("
      result += needsEscape ? dollars + dollars : dollars
    }
    return result + rest
  }
}
