package import YAML

/// Kubernetes objects that are applied together.
package struct Manifest: Sendable {
  package let documents: [YAMLValue]

  init(_ objects: KubernetesObject...) { self.init(objects) }

  init(_ objects: [KubernetesObject]) { documents = objects.map(\.yaml) }

  /// The objects as a stream of YAML documents.
  package var text: String { YAMLValue.stream(documents) }
}
