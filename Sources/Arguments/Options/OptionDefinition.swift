/// The part of an option that does not depend on the type of its value. The scanner, the help, the manual and the shell
/// completions work from this part.
///
/// The texts of the help are made only when they are read, since a command that does its work needs none of them.
package struct OptionDefinition: Sendable {
  package typealias Text = @Sendable () -> String
  package typealias Words = @Sendable () -> [String]
  package typealias Check = @Sendable (Setting) throws(UsageError) -> Void

  package let name: String
  package let short: Character?
  /// The placeholder for the value in the help. It is nil for a flag.
  package var value: String? { makeValue?() }
  /// The value that the option has when it is given without one. If it is set, `value` lists all values, as in
  /// `always|never`, and the next word is taken as the value only if it is one of these.
  package let impliedValue: String?
  package var help: String { isRepeatable ? "\(makeHelp()); may be repeated" : makeHelp() }
  /// Most users need this option. A help text that has to be short shows only such options.
  package var isCommon = false
  /// The operands are paths when this option is given.
  package var makesPaths = false
  /// The option may be given several times, and each value counts. Any other option with a value is given once.
  package let isRepeatable: Bool
  /// What other tools call such an option. None of these names is read. They serve to tell a user the right one.
  var otherNames: [String] = []
  var makeHelp: Text
  private let makeValue: Text?
  private let makeOffered: Words
  private let readValue: Check

  init(
    _ name: String, short: Character? = nil, value: Text? = nil, implied: String? = nil, isRepeatable: Bool = false,
    offered: @escaping Words = { [] }, check: @escaping Check, help: @escaping Text
  ) {
    self.name = name
    self.short = short
    makeValue = value
    makeOffered = offered
    readValue = check
    impliedValue = implied
    self.isRepeatable = isRepeatable
    makeHelp = help
  }

  /// - Throws: `UsageError` for a value that the option does not take
  package func check(_ setting: Setting) throws(UsageError) { try readValue(setting) }

  /// The values that a shell offers, where `value` does not list them.
  var offered: [String] { makeOffered() }

  var takesValue: Bool { makeValue != nil }

  /// The values that an option with an implied value, or with a choice of values, accepts.
  var values: [Substring] { value?.split(separator: "|") ?? [] }
}
