import Arguments
import Console

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
  mutating func variable(_ name: String) throws -> Setting? {
    guard let bytes = surroundings.bytes(of: name), !bytes.starts(with: "tcp://".utf8) else { return nil }
    guard let value = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "the value of \(name) is not text in UTF-8")
    }
    let setting = Setting(value, from: name)
    guard !setting.text.isEmpty else { return nil }
    used.insert(name)
    return setting
  }

  /// The option `--name` as given, and nothing else.
  func option(_ name: String) -> Setting? { given[name].map { Setting($0, from: "--\(name)") } }

  /// The operands of a command that takes settings there.
  /// - Throws: `UsageError` where one is not UTF-8
  func operands() throws -> [Setting] {
    try given.operandTexts().enumerated().map { Setting($1, from: "argument \($0 + 1)") }
  }

  /// The option `--name`: as given, else `AMQP_JOB_NAME`.
  /// - Throws: `Failure` where that is not UTF-8
  mutating func setting(_ name: String) throws -> Setting? {
    try option(name) ?? variable(Self.variableName(name))
  }

  /// - Throws: `Failure` where that is not UTF-8
  mutating func text(_ name: String) throws -> String? { try setting(name)?.text }

  /// The same of what is a name.
  /// - Throws: `Failure` where that is not UTF-8, or holds a control character
  mutating func name(_ name: String) throws -> String? { try setting(name)?.name() }

  /// The same of an option that may be repeated; the variable holds one value.
  /// - Throws: `Failure` where that is not UTF-8
  mutating func list(_ name: String) throws -> [Setting] {
    let values = given.all(name).map { Setting($0, from: "--\(name)") }
    return try values.isEmpty ? variable(Self.variableName(name)).map { [$0] } ?? [] : values
  }

  /// The same, read as something else.
  /// - Throws: `Failure` for a value that `read` makes nothing of; it is to be `what`.
  mutating func value<Value>(_ name: String, _ what: String, read: (String) -> Value?) throws -> Value? {
    guard let setting = try setting(name) else { return nil }
    guard let value = read(setting.text) else {
      throw Failure(.usage, "\(setting.source) is to be \(what), not '\(setting.text)'")
    }
    return value
  }

  mutating func duration(_ name: String) throws -> Duration? {
    try value(name, "a duration such as 30s or 10m") { Duration(parsing: $0) }
  }

  /// A limit of time, which there is not where nothing is said; zero says so, too, as it does to timeout(1).
  mutating func limit(_ name: String) throws -> Duration? {
    let limit = try duration(name)
    return limit == .zero ? nil : limit
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

  private static let prefix = "AMQP_JOB_"

  private static func variableName(_ option: String) -> String { prefix + UnknownVariables.variable(option) }

  /// What to tell of variables that look like settings and are none.
  func unknownVariableWarnings() -> [String] {
    let looksSo = surroundings.environment.contains { $0.starts(with: Self.prefix.utf8) }
    return looksSo ? Main.unknownVariables.warnings(surroundings.environment) : []
  }
}
