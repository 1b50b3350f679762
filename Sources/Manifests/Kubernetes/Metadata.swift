internal import YAML

/// The metadata of an object.
struct Metadata {
  var name: String
  var namespace: String?
  var labels: Labels
  var annotations: [KeyValue]

  /// That of the objects of one application, and of their pods.
  init(name: ObjectName, namespace: String?, component: String, _ additions: PodAdditions) {
    (self.name, self.namespace) = (name.description, namespace)
    labels = Labels(
      name: "amqp-job", instance: name.description, component: component, others: additions.labels)
    annotations = additions.annotations
  }

  init(name: String, namespace: String?, labels: Labels, annotations: [KeyValue]) {
    (self.name, self.namespace, self.labels, self.annotations) = (name, namespace, labels, annotations)
  }

  var yaml: YAMLValue {
    .object([
      "name": name, "namespace": namespace, "labels": labels.yaml, "annotations": annotations.mapping,
    ])
  }

  /// The metadata for a template. It has no name, because the objects that are made from it get their own.
  var templateYAML: YAMLValue { .object(["labels": labels.yaml, "annotations": annotations.mapping]) }
}

/// The labels that Kubernetes recommends
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/>).
struct Labels {
  /// The name of the application.
  var name: String
  /// The name of this instance of the application.
  var instance: String
  var component: String
  /// The labels that the user has added.
  var others: [KeyValue]

  private enum Key {
    static let name = "app.kubernetes.io/name"
    static let instance = "app.kubernetes.io/instance"
    static let component = "app.kubernetes.io/component"
    static let manager = "app.kubernetes.io/managed-by"
  }

  /// The keys of the labels that the user has not added.
  static let keys: Set<String> = [Key.name, Key.instance, Key.component, Key.manager]

  /// The labels that select the pods of this instance.
  var selector: YAMLValue { .mapping(identity) }

  var yaml: YAMLValue {
    .mapping(
      identity + [
        .init(Key.component, .string(component)), .init(Key.manager, .string("amqp-job")),
      ] + others.map(\.entry))
  }

  private var identity: [YAMLValue.Entry] {
    [.init(Key.name, .string(name)), .init(Key.instance, .string(instance))]
  }
}

/// An object of the Kubernetes API.
struct KubernetesObject {
  var apiVersion: String
  var kind: String
  var metadata: Metadata
  /// The fields after the metadata, in most kinds `spec` alone.
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
