package import YAML

/// Objects that are applied together.
package struct Manifest: Sendable {
  package let documents: [YAMLValue]

  init(_ objects: KubernetesObject...) { documents = objects.map(\.yaml) }

  /// As a stream of YAML documents.
  package var text: String { YAMLValue.stream(documents) }
}
