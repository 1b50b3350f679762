package import YAML

/// A taint of nodes that a pod bears (<https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/>).
package struct Toleration: Hashable, Sendable, CustomStringConvertible, YAMLConvertible {
  private static let effects: Set<String> = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

  package let description: String
  private let key: String
  /// nil for any.
  private let value: String?
  /// nil for each.
  private let effect: String?

  /// Of `KEY[=VALUE][:EFFECT]`, as `kubectl taint` writes it; nil for anything else.
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
