internal import YAML

struct Container: YAMLConvertible {
  var name: String
  var image: String
  /// In the place of the image's entry point; none leaves that.
  var command: [String] = []
  var arguments: [String] = []
  var environment: [ContainerVariable] = []
  var ports: [ContainerPort] = []
  var startupProbe: Probe?
  var readinessProbe: Probe?
  var livenessProbe: Probe?
  var resources: Resources
  var hasReadOnlyRoot = true
  var mounts: [VolumeMount] = []

  var yaml: YAMLValue {
    .object([
      "name": name, "image": image,
      "command": command.isEmpty ? nil : command.map(\.withoutReferences),
      "args": arguments.isEmpty ? nil : arguments.map(\.withoutReferences),
      "env": environment.isEmpty ? nil : environment,
      "ports": ports.isEmpty ? nil : ports,
      "startupProbe": startupProbe, "readinessProbe": readinessProbe, "livenessProbe": livenessProbe,
      "resources": resources.yaml, "securityContext": securityContext,
      "volumeMounts": mounts.isEmpty ? nil : mounts,
    ])
  }

  /// As the Pod Security Standards' level "restricted" wants it, and more.
  private var securityContext: YAMLValue {
    .object([
      "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": hasReadOnlyRoot ? true : nil,
      "capabilities": YAMLValue.object(["drop": ["ALL"]]),
    ])
  }
}

struct ContainerVariable: YAMLConvertible {
  enum Source {
    case value(String)
    case secret(name: String, key: String)
  }

  var name: String
  var source: Source

  init(_ name: String, _ source: Source) {
    self.name = name
    self.source = source
  }

  var yaml: YAMLValue {
    switch source {
    case .value(let value): .object(["name": name, "value": value.withoutReferences])
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
  /// Written so that Kubernetes takes it as it is: in a container's command, arguments and variables it replaces
  /// `$(NAME)` by the variable of that name, and `$$` by `$`.
  var withoutReferences: String {
    var result = ""
    var rest = self[...]
    while let start = rest.firstIndex(of: "$") {
      result += rest[..<start]
      let dollars = rest[start...].prefix { $0 == "$" }
      rest = rest[dollars.endIndex...]
      let isRead = dollars.count > 1 || rest.first == "("
      result += isRead ? dollars + dollars : dollars
    }
    return result + rest
  }
}
