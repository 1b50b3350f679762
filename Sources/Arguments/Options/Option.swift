/// An option of a command. Each option is defined once, as a constant, and that constant is used both to list the option in
/// a command's help and to read its value.
package protocol CommandOption: Sendable, CustomStringConvertible {
  var definition: OptionDefinition { get set }
}

extension CommandOption {
  package var name: String { definition.name }

  /// The option as a user types it: `--name`.
  package var description: String { "--\(name)" }

  /// This option, marked as one that most users need.
  package var common: Self { changed { $0.isCommon = true } }

  /// This option, marked as one that makes the operands paths.
  package var withPaths: Self { changed { $0.makesPaths = true } }

  /// This option, which is suggested to a user who calls it by one of these names of other tools.
  package func known(as names: String...) -> Self { changed { $0.otherNames = names } }

  /// This option with the help text of another command that has it, too.
  package func described(_ help: @autoclosure @escaping OptionDefinition.Text) -> Self {
    changed { $0.makeHelp = help }
  }

  private func changed(_ change: (inout OptionDefinition) -> Void) -> Self {
    var option = self
    change(&option.definition)
    return option
  }
}

/// An option without a value: it is either set or not.
package struct Flag: CommandOption {
  package var definition: OptionDefinition

  package init(_ name: String, short: Character? = nil, _ help: @autoclosure @escaping OptionDefinition.Text) {
    definition = OptionDefinition(
      name, short: short, check: { (setting) throws(UsageError) in _ = try Self.read(setting) }, help: help)
  }

  /// Whether the flag is set, as a variable says it.
  /// - Throws: `UsageError`
  package static func read(_ setting: Setting) throws(UsageError) -> Bool {
    guard let value = Bool(setting.text) ?? ["1": true, "0": false][setting.text] else {
      throw setting.error(expected: "true or false")
    }
    return value
  }
}

/// An option with a value, and without a default.
package struct Option<Value: Sendable>: CommandOption {
  package var definition: OptionDefinition
  package let type: ValueType<Value>

  /// `implied` is the text of the value that the option has when it is given without one.
  package init(
    _ name: String, short: Character? = nil, _ type: ValueType<Value>, implied: String? = nil,
    _ help: @autoclosure @escaping OptionDefinition.Text
  ) {
    definition = OptionDefinition(
      name, short: short, value: { type.placeholder }, implied: implied, offered: type.makeOffered,
      check: type.check, help: help)
    self.type = type
  }
}

/// An option with a value that is `defaultValue` unless it is set.
package struct DefaultedOption<Value: Sendable>: CommandOption {
  package var definition: OptionDefinition
  package let type: ValueType<Value>
  package let defaultValue: Value

  /// `help` makes the help text from the text of the default.
  package init(
    _ name: String, short: Character? = nil, _ type: ValueType<Value>, default defaultValue: Value,
    help: @escaping @Sendable (_ defaultText: String) -> String
  ) {
    definition = OptionDefinition(
      name, short: short, value: { type.placeholder }, offered: type.makeOffered, check: type.check,
      help: { help(type.text(defaultValue)) })
    self.type = type
    self.defaultValue = defaultValue
  }

  /// This option with the help text of another command that has it, too.
  package func described(_ help: @escaping @Sendable (_ defaultText: String) -> String) -> Self {
    described(help(type.text(defaultValue)))
  }
}

/// An option with a value that may be given several times.
package struct RepeatableOption<Value: Sendable>: CommandOption {
  package var definition: OptionDefinition
  package let type: ValueType<Value>

  package init(_ name: String, _ type: ValueType<Value>, _ help: @autoclosure @escaping OptionDefinition.Text) {
    definition = OptionDefinition(
      name, value: { type.placeholder }, isRepeatable: true, offered: type.makeOffered, check: type.check, help: help)
    self.type = type
  }
}
