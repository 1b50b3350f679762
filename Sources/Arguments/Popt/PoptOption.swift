/// An option of a program that reads its arguments as popt(3) does. Each option is defined once, as a constant, and that
/// constant is used both to list the option in the help and to read its value.
package struct PoptOption<Value: Sendable>: PoptTableEntry {
  package var definition: PoptDefinition

  private init(_ name: String, _ short: Character?, _ kind: PoptDefinition.Kind, _ help: String) {
    definition = PoptDefinition(name: name, short: short, kind: kind, help: help)
  }

  /// This option with the help text of another program that has it, too.
  package func described(_ help: String) -> Self {
    var option = self
    option.definition.help = help
    return option
  }
}

/// An option of whatever type, as a table of options lists it.
package protocol PoptTableEntry: Sendable, CustomStringConvertible {
  var definition: PoptDefinition { get }
}

extension PoptTableEntry {
  package var name: String { definition.name }

  /// The option as a user types it: `--name`.
  package var description: String { "--\(name)" }
}

extension PoptOption where Value == Bool {
  /// An option without a value: popt's POPT_ARG_NONE.
  package static func flag(_ name: String, short: Character? = nil, _ help: String) -> Self {
    Self(name, short, .flag, help)
  }

  /// An option without a value that stands for a constant: popt's POPT_ARG_VAL.
  package static func constant(_ name: String, short: Character? = nil, _ help: String) -> Self {
    Self(name, short, .constant, help)
  }
}

extension PoptOption where Value == [UInt8] {
  /// An option with any value, of which the last one counts: popt's POPT_ARG_STRING.
  package static func text(_ name: String, short: Character? = nil, _ valueName: String, _ help: String) -> Self {
    Self(name, short, .text(valueName), help)
  }
}

extension PoptOption where Value == Int32 {
  /// An option with a number: popt's POPT_ARG_INT.
  package static func number(_ name: String, short: Character? = nil, _ valueName: String, _ help: String) -> Self {
    Self(name, short, .number(valueName), help)
  }
}

extension PoptOption where Value == [[UInt8]] {
  /// An option with any value, each of which counts: popt's POPT_ARG_ARGV.
  package static func list(_ name: String, short: Character? = nil, _ valueName: String, _ help: String) -> Self {
    Self(name, short, .list(valueName), help)
  }
}

/// The part of an option that does not depend on the type of its value.
package struct PoptDefinition: Hashable, Sendable {
  /// What the option takes. The names of values are for the help.
  enum Kind: Hashable, Sendable {
    case flag
    case constant
    case text(String)
    case number(String)
    case list(String)
  }

  let name: String
  let short: Character?
  let kind: Kind
  var help: String

  var valueName: String? {
    switch kind {
    case .flag, .constant: nil
    case .text(let name), .number(let name), .list(let name): name
    }
  }
}
