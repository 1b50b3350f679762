package import YAML

/// A toleration: a taint of nodes that does not keep a pod away (<https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/>).
package struct Toleration: Hashable, Sendable, CustomStringConvertible, YAMLConvertible {
  private static let effects: Set<String> = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

  package let description: String
  private let key: String
  /// nil means any value.
  private let value: String?
  /// nil means every effect.
  private let effect: String?

  /// Reads `KEY[=VALUE][:EFFECT]`, the syntax of `kubectl taint`; nil for any other text.
  package init?(_ text: String) {
    let halves = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    let parts = halves[0].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard halves.count <= 2, parts[0].isQualifiedName else { return nil }
    description = text
    key = parts[0]
    value = parts.count == 2 ? parts[1] : nil
    effect = halves.count == 2 ? halves[1] : nil
    guard value.map({ $0.isEmpty || $0.isLabelValue }) != false, effect.map(Self.effects.contains) != false else {
      return nil
    }
  }

  package var yaml: YAMLValue {
    .object(["key": key, "operator": value == nil ? "Exists" : "Equal", "value": value, "effect": effect])
  }
}
