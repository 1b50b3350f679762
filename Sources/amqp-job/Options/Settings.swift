import Arguments
import Console
import Linux

/// What a user set, by options or by variables of the environment. An option outweighs its variable.
struct Settings {
  let arguments: Arguments
  let environment: Environment
  /// The names of the variables from which a setting was taken.
  private(set) var usedVariables: Set<String> = []

  init(_ arguments: Arguments, environment: [[UInt8]]) {
    self.arguments = arguments
    self.environment = Environment(environment)
  }

  // MARK: Options, or their variables

  /// The option's value, or nil if it is not set.
  /// - Throws: `UsageError` for a value that cannot be read
  mutating func value<Value>(_ option: Option<Value>) throws -> Value? { try read(option, option.type) }

  /// The option's value, or its default if it is not set.
  /// - Throws: `UsageError` for a value that cannot be read
  mutating func value<Value>(_ option: DefaultedOption<Value>) throws -> Value {
    try read(option, option.type) ?? option.defaultValue
  }

  /// The option's value, or nil if it is not set. The default does not count.
  /// - Throws: `UsageError` for a value that cannot be read
  mutating func valueIfSet<Value>(_ option: DefaultedOption<Value>) throws -> Value? {
    try read(option, option.type)
  }

  /// Every value of the option. Its variable holds one value.
  /// - Throws: `UsageError` for a value that cannot be read
  mutating func values<Value>(_ option: RepeatableOption<Value>) throws -> [Value] {
    let given = arguments.texts(of: option).map { Setting($0, from: option.description) }
    let settings = given.isEmpty ? try variable(of: option).map { [$0] } ?? [] : given
    return try settings.map(option.type.read)
  }

  /// Whether the flag is set. Its variable is `true` or `false`.
  /// - Throws: `UsageError` for a variable that is neither
  mutating func value(_ flag: Flag) throws -> Bool { try valueIfSet(flag) ?? false }

  /// The flag's value, or nil if neither it nor its variable is set.
  /// - Throws: `UsageError` for a variable that is neither `true` nor `false`
  mutating func valueIfSet(_ flag: Flag) throws -> Bool? {
    try setting(flag).map(Flag.read)
  }

  private mutating func read<Value>(_ option: some CommandOption, _ type: ValueType<Value>) throws -> Value? {
    try setting(option).map(type.read)
  }

  private mutating func setting(_ option: some CommandOption) throws -> Setting? {
    try given(option) ?? variable(of: option)
  }

  // MARK: Options alone

  /// Whether the option is among the arguments.
  func isGiven(_ option: some CommandOption) -> Bool { arguments.contains(option) }

  /// The option's value among the arguments.
  func given(_ option: some CommandOption) -> Setting? {
    arguments.text(of: option).map { Setting($0, from: option.description) }
  }

  /// The operands of a command that takes settings as operands.
  /// - Throws: `UsageError` if one is not UTF-8
  func operands() throws -> [Setting] {
    try arguments.operandTexts().enumerated().map { Setting($1, from: "argument \($0 + 1)") }
  }

  // MARK: Variables alone

  private static let prefix = "AMQP_JOB_"

  /// The option's own variable: `AMQP_JOB_SOME_THING` of `--some-thing`.
  /// - Throws: `UsageError` if it is not UTF-8
  mutating func variable(of option: some CommandOption) throws -> Setting? {
    try variable(Self.variableName(ofOption: option.name))
  }

  static func variableName(ofOption name: String) -> String { prefix + UnknownVariables.variable(name) }

  /// The variable's value. An empty value, and one that Kubernetes injects for a Service of that name, counts as none.
  /// - Throws: `UsageError` if it is not UTF-8
  mutating func variable(_ name: String) throws -> Setting? {
    guard let bytes = environment.bytes(of: name), !Self.isInjected(bytes) else { return nil }
    guard let value = String(validating: bytes, as: UTF8.self) else {
      throw UsageError("the value of \(name) is not text in UTF-8")
    }
    let setting = Setting(value, from: name)
    guard !setting.text.isEmpty else { return nil }
    usedVariables.insert(name)
    return setting
  }

  // MARK: Where a setting comes from

  /// The option as a message names it, with the variable that sets it if a variable does.
  func naming(_ option: some CommandOption) -> String {
    variable(setting: option.name).map { "\(option) from \($0)" } ?? option.description
  }

  /// The variables that set what messages may name.
  var variables: [SettingName: String] {
    guard hasOwnVariables else { return [:] }
    return SettingName.allCases.reduce(into: [:]) { $0[$1] = variable(setting: $1.rawValue) }
  }

  /// The variable that sets the option of this name. nil if none does, or if the option itself is given.
  private func variable(setting name: String) -> String? {
    let variable = Self.prefix + UnknownVariables.variable(name)
    guard !arguments.contains(name), let value = environment.bytes(of: variable), !value.isEmpty else { return nil }
    return Self.isInjected(value) ? nil : variable
  }

  /// Whether Kubernetes injects such a value for a Service.
  static func isInjected(_ value: some Sequence<UInt8>) -> Bool { value.starts(with: "tcp://".utf8) }

  private var hasOwnVariables: Bool { environment.entries.contains { $0.starts(with: Self.prefix.utf8) } }

  /// The warnings about variables that look like settings but are not.
  func unknownVariableWarnings() -> [String] {
    return hasOwnVariables ? Main.unknownVariables.warnings(environment.entries) : []
  }
}

extension Setting {
  init(_ text: String, from source: String) {
    self.init(text.withoutTrailingNewlines, asGiven: text, source: source)
  }
}
