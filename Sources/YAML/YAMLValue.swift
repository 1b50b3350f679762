/// A value that a YAML document can hold. Mappings keep their order, which is how people expect to read them.
public enum YAMLValue: Hashable, Sendable {
  case string(String)
  case integer(Int)
  case boolean(Bool)
  case sequence([YAMLValue])
  case mapping([Entry])

  public struct Entry: Hashable, Sendable {
    public var key: String
    public var value: YAMLValue

    public init(_ key: String, _ value: YAMLValue) {
      self.key = key
      self.value = value
    }
  }

  /// The mapping of those that have a value.
  public static func object(_ entries: KeyValuePairs<String, (any YAMLConvertible)?>) -> YAMLValue {
    .mapping(entries.compactMap { key, value in value.map { Entry(key, $0.yaml) } })
  }

  /// The value of a mapping's key; nil where there is none.
  public subscript(key: String) -> YAMLValue? {
    guard case .mapping(let entries) = self else { return nil }
    return entries.first { $0.key == key }?.value
  }
}

/// What has a form in YAML.
public protocol YAMLConvertible {
  var yaml: YAMLValue { get }
}

extension YAMLValue: YAMLConvertible {
  public var yaml: YAMLValue { self }
}

extension String: YAMLConvertible {
  public var yaml: YAMLValue { .string(self) }
}

extension Int: YAMLConvertible {
  public var yaml: YAMLValue { .integer(self) }
}

extension Bool: YAMLConvertible {
  public var yaml: YAMLValue { .boolean(self) }
}

extension Array: YAMLConvertible where Element: YAMLConvertible {
  public var yaml: YAMLValue { .sequence(map(\.yaml)) }
}
