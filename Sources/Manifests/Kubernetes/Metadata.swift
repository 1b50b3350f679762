internal import YAML

/// What every object has before its specification.
struct Metadata {
  var name: String
  var namespace: String?
  var labels: Labels

  var yaml: YAMLValue {
    .object(["name": name, "namespace": namespace, "labels": labels.yaml])
  }
}

/// The labels that Kubernetes recommends
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/>).
struct Labels {
  /// The application.
  var name: String
  /// This one of it.
  var instance: String
  var component: String

  /// Those that tell this one's pods from all others.
  var selector: YAMLValue { .mapping(identity) }

  var yaml: YAMLValue {
    .mapping(
      identity + [
        .init("app.kubernetes.io/component", .string(component)),
        .init("app.kubernetes.io/managed-by", .string("amqp-job")),
      ])
  }

  private var identity: [YAMLValue.Entry] {
    [
      .init("app.kubernetes.io/name", .string(name)),
      .init("app.kubernetes.io/instance", .string(instance)),
    ]
  }
}

/// An object of the Kubernetes API.
struct KubernetesObject {
  var apiVersion: String
  var kind: String
  var metadata: Metadata
  /// What stands beside the metadata: a specification, mostly.
  var content: [YAMLValue.Entry]

  init(_ apiVersion: String, _ kind: String, _ metadata: Metadata, spec: YAMLValue) {
    self.init(apiVersion, kind, metadata, content: [.init("spec", spec)])
  }

  init(_ apiVersion: String, _ kind: String, _ metadata: Metadata, content: [YAMLValue.Entry]) {
    self.apiVersion = apiVersion
    self.kind = kind
    self.metadata = metadata
    self.content = content
  }

  var yaml: YAMLValue {
    .mapping(
      [
        .init("apiVersion", .string(apiVersion)), .init("kind", .string(kind)), .init("metadata", metadata.yaml),
      ] + content)
  }
}
