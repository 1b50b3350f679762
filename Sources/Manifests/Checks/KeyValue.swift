internal import YAML

/// A label, or an annotation (<https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/>).
package struct KeyValue: Hashable, Sendable {
  package let key: String
  package let value: String

  private init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    (key, value) = (String(parts[0]), String(parts[1]))
  }

  /// nil for what is no `KEY=VALUE` of a label.
  package init?(label text: String) {
    self.init(text)
    guard key.isQualifiedName, value.isEmpty || value.isLabelValue else { return nil }
  }

  /// nil for what is no `KEY=VALUE` of an annotation, whose value may be any text.
  package init?(annotation text: String) {
    self.init(text)
    guard key.lowercased().isQualifiedName else { return nil }
  }

  /// The most that all annotations of an object may have, in bytes.
  package static let mostOfAnnotations = 256 << 10

  /// In bytes, key and value.
  package var size: Int { key.utf8.count + value.utf8.count }

  var entry: YAMLValue.Entry { .init(key, .string(value)) }
}

extension [KeyValue] {
  /// nil where there are none.
  var mapping: YAMLValue? { isEmpty ? nil : .mapping(map(\.entry)) }
}
