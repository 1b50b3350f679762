/// A YAML value. Mappings keep the order of their entries, so that manifests are easy to read.
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

  /// A mapping of the entries whose value is not nil.
  package static func object(_ entries: KeyValuePairs<String, (any YAMLConvertible)?>) -> YAMLValue {
    .mapping(entries.compactMap { key, value in value.map { Entry(key, $0.yaml) } })
  }

  /// The value for a key of a mapping; nil if there is none.
  package subscript(key: String) -> YAMLValue? {
    guard case .mapping(let entries) = self else { return nil }
    return entries.first { $0.key == key }?.value
  }
}

/// A type that can be written as YAML.
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
