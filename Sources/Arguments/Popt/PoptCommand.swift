/// A program whose arguments are read as popt(3) reads them, described once: what is scanned, what `--help` and
/// `--usage` print, and its page of the manual are made from this.
package struct PoptCommand: Sendable {
  package enum Operands: Hashable, Sendable {
    case none
    /// Another command with its arguments, which are all that follows the first word that is no option, as popt has it
    /// with POPT_CONTEXT_POSIXMEHARDER.
    case command
  }

  package var program: String
  package var summary: String
  package var examples: [String]
  /// Paragraphs about what it does otherwise than the program of that name does whose options it takes.
  package var differences: [String]
  package var operands: Operands
  package var options: [PoptOption]
  /// A table that others include, too. A letter that both have is this one's.
  package var common: PoptGroup

  package init(
    program: String, summary: String, examples: [String], differences: [String], operands: Operands = .none,
    options: [PoptOption], common: PoptGroup
  ) {
    self.program = program
    self.summary = summary
    self.examples = examples
    self.differences = differences
    self.operands = operands
    self.options = options
    self.common = common
  }

  static let help = PoptGroup(
    "Help options:",
    [
      PoptOption("help", short: "?", .flag, "Show this help message"),
      PoptOption("usage", .flag, "Display brief usage message"),
    ])

  /// In the order in which they are looked up.
  var allOptions: [PoptOption] { common.options + options + Self.help.options }
}

/// Options that belong together.
package struct PoptGroup: Sendable {
  package var title: String
  package var options: [PoptOption]

  package init(_ title: String, _ options: [PoptOption]) {
    self.title = title
    self.options = options
  }
}

/// An option, `--name` or `-n`.
package struct PoptOption: Sendable {
  /// What it takes; the names of values are for the help.
  package enum Kind: Hashable, Sendable {
    /// POPT_ARG_NONE.
    case flag
    /// POPT_ARG_VAL: no value either.
    case constant
    /// POPT_ARG_STRING: the last one counts.
    case text(String)
    /// POPT_ARG_INT.
    case number(String)
    /// POPT_ARG_ARGV: each one counts.
    case list(String)
  }

  package var name: String
  package var short: Character?
  package var kind: Kind
  package var help: String

  package init(_ name: String, short: Character? = nil, _ kind: Kind, _ help: String) {
    self.name = name
    self.short = short
    self.kind = kind
    self.help = help
  }

  var valueName: String? {
    switch kind {
    case .flag, .constant: nil
    case .text(let name), .number(let name), .list(let name): name
    }
  }
}

/// What was given to a program, byte for byte: arguments need not be text.
package struct PoptArguments: Hashable, Sendable {
  /// An option with its value, which is empty where it takes none.
  package struct Given: Hashable, Sendable {
    package let option: String
    package let value: [UInt8]
    /// In which of the words the value ends.
    package let position: Int
  }

  package internal(set) var given: [Given] = []
  package internal(set) var operands: [[UInt8]] = []

  /// The option's value, the last where it was given more than once.
  package subscript(option: String) -> [UInt8]? { given.last { $0.option == option }?.value }

  /// Every value of the option, in order.
  package func all(_ option: String) -> [[UInt8]] { given.filter { $0.option == option }.map(\.value) }

  package func contains(_ option: String) -> Bool { self[option] != nil }

  /// The value of an option that takes a number.
  package func number(_ option: String) -> Int32? {
    self[option].flatMap { if case .value(let number) = PoptNumber($0) { number } else { nil } }
  }
}
