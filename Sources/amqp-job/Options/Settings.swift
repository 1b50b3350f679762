import Arguments
import JobRunner

/// What a command was told: by an option, or else by a variable of the environment.
struct Settings {
  let given: Arguments
  let surroundings: Surroundings
  /// The names from which a setting was taken.
  private(set) var used: Set<String> = []

  init(_ given: Arguments, environment: [[UInt8]]) {
    self.given = given
    surroundings = Surroundings(environment)
  }

  /// The variable's value. What Kubernetes injects for a Service of that name, and an empty value, is none.
  /// - Throws: `Failure` where it is not UTF-8
  mutating func variable(_ name: String) throws -> String? {
    guard let bytes = surroundings.bytes(of: name), !bytes.isEmpty, !bytes.starts(with: "tcp://".utf8) else {
      return nil
    }
    guard let value = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "the value of \(name) is not text in UTF-8")
    }
    used.insert(name)
    return value
  }

  /// The option `--name`: as given, else `AMQP_JOB_NAME`.
  /// - Throws: `Failure` where that is not UTF-8
  mutating func text(_ name: String) throws -> String? {
    try given[name] ?? variable(Self.variableName(name))
  }

  /// The same of an option that may be repeated; the variable holds one value.
  /// - Throws: `Failure` where that is not UTF-8
  mutating func list(_ name: String) throws -> [String] {
    let values = given.all(name)
    return try values.isEmpty ? variable(Self.variableName(name)).map { [$0] } ?? [] : values
  }

  /// The same, read as something else.
  /// - Throws: `Failure` for a value that `read` makes nothing of; it is to be `what`.
  mutating func value<Value>(_ name: String, _ what: String, read: (String) -> Value?) throws -> Value? {
    guard let text = try text(name) else { return nil }
    guard let value = read(text) else {
      let source = given[name] == nil ? Self.variableName(name) : "--\(name)"
      throw Failure(.usage, "\(source) is to be \(what), not '\(text)'")
    }
    return value
  }

  mutating func duration(_ name: String) throws -> Duration? {
    try value(name, "a duration such as 30s or 10m") { Duration(parsing: $0) }
  }

  /// A whole number from 1.
  mutating func count(_ name: String, upTo most: Int) throws -> Int? {
    let what = "a whole number from 1" + (most == .max ? "" : " to \(most)")
    return try value(name, what) { Int($0).flatMap { (1...most).contains($0) ? $0 : nil } }
  }

  /// In bytes.
  mutating func size(_ name: String) throws -> Int? {
    try value(name, "a size such as 64KiB or 16MiB") { Int(byteCount: $0) }
  }

  mutating func choice<Value: RawRepresentable & CaseIterable>(_ name: String) throws -> Value?
  where Value.RawValue == String {
    let names = Value.allCases.map(\.rawValue).joined(separator: " or ")
    return try value(name, names) { Value(rawValue: $0) }
  }

  /// An option without a value.
  mutating func flag(_ name: String) throws -> Bool {
    try value(name, "true or false") { Bool($0) ?? ["1": true, "0": false][$0] } ?? false
  }

  private static func variableName(_ option: String) -> String {
    "AMQP_JOB_" + String(option.uppercased().map { $0 == "-" ? "_" : $0 })
  }
}
