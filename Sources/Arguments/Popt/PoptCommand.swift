/// A program that reads its arguments as popt(3) does. The scanner, `--help`, `--usage` and the program's manual page are all
/// made from this value.
package struct PoptCommand: Sendable {
  package enum Operands: Hashable, Sendable {
    case none
    /// Another command with its arguments. It begins at the first word that is not an option, as it does for popt with
    /// POPT_CONTEXT_POSIXMEHARDER.
    case command
  }

  package var program: String
  package var summary: String
  package var examples: [String]
  /// Paragraphs about how the program differs from the one whose name and options it has.
  package var differences: [String]
  package var operands: Operands
  /// The error for a missing command. It is nil if the command may be missing.
  package var missingCommand: String?
  let options: [PoptDefinition]
  /// A group of options that several programs share. If one of them has the same letter as one of `options`, the letter
  /// means the shared option.
  let common: PoptGroup

  package init(
    program: String, summary: String, examples: [String], differences: [String], operands: Operands = .none,
    missingCommand: String? = nil, options: [any PoptTableEntry], common: PoptGroup
  ) {
    self.program = program
    self.summary = summary
    self.examples = examples
    self.differences = differences
    self.operands = operands
    self.missingCommand = missingCommand
    self.options = options.map(\.definition)
    self.common = common
  }

  static let help = PoptOption.flag("help", short: "?", "Show this help message")
  static let usage = PoptOption.flag("usage", "Display brief usage message")
  static let helpGroup = PoptGroup("Help options:", [help, usage])

  /// All options, in the order in which the scanner looks for a match.
  var allOptions: [PoptDefinition] { common.options + options + Self.helpGroup.options }
}

/// Options under a title of the help.
package struct PoptGroup: Sendable {
  let title: String
  let options: [PoptDefinition]

  package init(_ title: String, _ options: [any PoptTableEntry]) {
    self.init(title, definitions: options.map(\.definition))
  }

  init(_ title: String, definitions: [PoptDefinition]) {
    self.title = title
    self.options = definitions
  }
}
