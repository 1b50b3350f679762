public import YAML

/// Objects that are applied together.
public struct Manifest: Sendable {
  public let documents: [YAMLValue]

  init(_ objects: KubernetesObject...) { documents = objects.map(\.yaml) }

  /// As a stream of YAML documents.
  public var text: String { YAMLValue.stream(documents) }
}
