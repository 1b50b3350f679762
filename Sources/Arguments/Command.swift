/// A command of a tool, described once: what is scanned, and what `--help` prints, are both made from this.
package struct Command: Sendable {
  /// What a command takes besides options.
  package enum Operands: Hashable, Sendable {
    case none
    /// One, or none.
    case optional(name: String)
    /// Exactly one.
    case one(name: String)
    /// One, or two of them.
    case oneOrTwo(first: String, second: String)
    /// Any number, among the options.
    case any(name: String)
    /// All that follows the first of them, options and all: another command with its arguments.
    case rest(name: String)
    /// One, which options may follow, and then perhaps another command with its arguments.
    case oneAndRest(first: String, rest: String)
  }

  package var tool: String
  package var name: String
  package var summary: String
  /// Command lines, as a user would type them.
  package var examples: [String]
  package var notes: String
  package var operands: Operands
  /// What the first operand may be, where that is a choice.
  package var choices: [String]
  package var groups: [OptionGroup]
  /// How it may end, and what each status means.
  package var exitStatuses: [Explained]

  package init(
    tool: String, name: String, summary: String, examples: [String], notes: String = "", operands: Operands = .none,
    choices: [String] = [], groups: [OptionGroup], exitStatuses: [Explained] = []
  ) {
    self.tool = tool
    self.name = name
    self.summary = summary
    self.examples = examples
    self.notes = notes
    self.operands = operands
    self.choices = choices
    self.groups = groups
    self.exitStatuses = exitStatuses
  }

  /// What a user types to call it: the tool and the command's name, or the tool alone where that is empty.
  package var invocation: String { name.isEmpty ? tool : "\(tool) \(name)" }

  package var optionNames: [String] { options.map(\.name) }

  var options: [Option] { groups.flatMap(\.options) }

  /// Whether another command may follow `--`.
  var takesCommand: Bool {
    switch operands {
    case .rest, .oneAndRest: true
    default: false
    }
  }
}

/// Options that belong together.
package struct OptionGroup: Sendable {
  package var title: String
  package var options: [Option]

  package init(_ title: String, _ options: [Option]) {
    self.title = title
    self.options = options
  }
}

/// An option, `--name` or `-n`, with or without a value.
package struct Option: Sendable {
  package var name: String
  package var short: Character?
  /// What stands for the value in the help; nil for an option without one.
  package var value: String?
  /// What the option means without a value. Then `value` lists all that there are, as in `always|never`, and the next
  /// word is one only if it is among them.
  package var impliedValue: String?
  package var help: String
  /// Whether most people need it: a help that has to be short shows these only.
  package private(set) var isEveryday = false
  /// Whether the operands are paths where it is given.
  package private(set) var makesPaths = false
  /// Whether each of several values counts. Any other option with a value is given once.
  package private(set) var isRepeatable = false

  package init(
    _ name: String, short: Character? = nil, value: String? = nil, implied: String? = nil, _ help: String
  ) {
    self.name = name
    self.short = short
    self.value = value
    self.impliedValue = implied
    self.help = help
  }

  /// The same option, as one that most people need.
  package var everyday: Option {
    var option = self
    option.isEveryday = true
    return option
  }

  /// The same option, as one that may be given several times, which its help says.
  package var repeatable: Option {
    var option = self
    option.isRepeatable = true
    option.help += "; may be repeated"
    return option
  }

  /// The same option, as one with which the operands are paths.
  package var withPaths: Option {
    var option = self
    option.makesPaths = true
    return option
  }

  var values: [Substring] { value?.split(separator: "|") ?? [] }
}

/// What was given to a command.
package struct Arguments: Hashable, Sendable {
  /// An option and its value, in order. There are few: a dictionary would take longer to be set up than it could save.
  struct Given: Hashable, Sendable {
    let option: String
    let value: String
  }

  var given: [Given] = []
  /// As they were given: they need not be text.
  package internal(set) var operands: [[UInt8]] = []

  /// The option's value; the last of one that may be repeated.
  package subscript(option: String) -> String? { given.last { $0.option == option }?.value }

  /// Every value of the option, in order.
  package func all(_ option: String) -> [String] { given.filter { $0.option == option }.map(\.value) }

  package func contains(_ option: String) -> Bool { self[option] != nil }

  /// The operands of a command that takes text.
  /// - Throws: `UsageError` where one is not UTF-8
  package func operandTexts() throws(UsageError) -> [String] {
    var texts: [String] = []
    for (index, operand) in operands.enumerated() {
      guard let text = String(validating: operand, as: UTF8.self) else {
        throw UsageError("argument \(index + 1) is not text in UTF-8")
      }
      texts.append(text)
    }
    return texts
  }
}
