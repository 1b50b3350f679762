internal import YAML

/// A label or an annotation (<https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/>).
package struct KeyValue: Hashable, Sendable {
  package let key: String
  package let value: String

  private init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    (key, value) = (String(parts[0]), String(parts[1]))
  }

  /// Reads `KEY=VALUE`; nil if it is not a valid label.
  package init?(label text: String) {
    self.init(text)
    guard key.isQualifiedName, value.isEmpty || value.isLabelValue else { return nil }
  }

  /// Reads `KEY=VALUE`; nil if it is not a valid annotation. The value of an annotation may be any text.
  package init?(annotation text: String) {
    self.init(text)
    guard key.lowercased().isQualifiedName else { return nil }
  }

  /// The maximum total size of an object's annotations in bytes.
  package static let maxTotalAnnotationSize = 256 << 10

  /// The size of the key and the value in bytes.
  package var size: Int { key.utf8.count + value.utf8.count }

  var entry: YAMLValue.Entry { .init(key, .string(value)) }
}

extension [KeyValue] {
  /// nil if there are no entries.
  var mapping: YAMLValue? { isEmpty ? nil : .mapping(map(\.entry)) }
}
