import ArgumentParser
import JobRunner

/// Where an option that was not given is looked for: the environment, then its default.
struct Settings {
  private let environment: [String: String]
  /// The names from which a setting was taken.
  private(set) var used: Set<String> = []

  init(_ entries: [[UInt8]]) {
    environment = Dictionary(
      entries.compactMap { entry in
        guard let end = entry.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        return (
          String(decoding: entry[..<end], as: UTF8.self),
          String(decoding: entry[(end + 1)...], as: UTF8.self)
        )
      }, uniquingKeysWith: { first, _ in first })
  }

  /// The variable's value. What Kubernetes injects for a Service of that name, and an empty value, is none.
  mutating func variable(_ name: String) -> String? {
    guard let value = environment[name], !value.isEmpty, !value.hasPrefix("tcp://") else { return nil }
    used.insert(name)
    return value
  }

  /// The option `--name`: as given, else `AMQP_JOB_NAME`.
  /// - Throws: `Failure` for a value that cannot be read
  mutating func value<Value: ExpressibleByArgument>(_ given: Value?, _ name: String) throws -> Value? {
    if let given { return given }
    let variableName = "AMQP_JOB_" + name.uppercased().replacing("-", with: "_")
    guard let text = variable(variableName) else { return nil }
    guard let value = Value(argument: text) else {
      throw Failure(.usage, "\(variableName): '\(text)' is no value for --\(name)")
    }
    return value
  }

  /// The same for an option without a value.
  mutating func flag(_ given: Bool, _ name: String) throws -> Bool {
    try value(given ? true : nil, name) ?? false
  }

  var path: String { environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin" }
  var hostName: String? { environment["HOSTNAME"] }
}

extension String {
  fileprivate func replacing(_ one: Character, with other: Character) -> String {
    String(map { $0 == one ? other : $0 })
  }
}
