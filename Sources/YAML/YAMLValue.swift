/// A value that a YAML document can hold. Mappings keep their order, which is how people expect to read them.
package enum YAMLValue: Hashable, Sendable {
  case string(String)
  case integer(Int)
  case boolean(Bool)
  case sequence([YAMLValue])
  case mapping([Entry])

  package struct Entry: Hashable, Sendable {
    package var key: String
    package var value: YAMLValue

    package init(_ key: String, _ value: YAMLValue) {
      self.key = key
      self.value = value
    }
  }

  /// The mapping of those that have a value.
  package static func object(_ entries: KeyValuePairs<String, (any YAMLConvertible)?>) -> YAMLValue {
    .mapping(entries.compactMap { key, value in value.map { Entry(key, $0.yaml) } })
  }

  /// The value of a mapping's key; nil where there is none.
  package subscript(key: String) -> YAMLValue? {
    guard case .mapping(let entries) = self else { return nil }
    return entries.first { $0.key == key }?.value
  }
}

/// What has a form in YAML.
package protocol YAMLConvertible {
  var yaml: YAMLValue { get }
}

extension YAMLValue: YAMLConvertible {
  package var yaml: YAMLValue { self }
}

extension String: YAMLConvertible {
  package var yaml: YAMLValue { .string(self) }
}

extension Int: YAMLConvertible {
  package var yaml: YAMLValue { .integer(self) }
}

extension Bool: YAMLConvertible {
  package var yaml: YAMLValue { .boolean(self) }
}

extension Array: YAMLConvertible where Element: YAMLConvertible {
  package var yaml: YAMLValue { .sequence(map(\.yaml)) }
}
