/// A command of a tool. The scanner, the help, the manual and the shell completions are all made from this value.
package struct Command: Sendable {
  /// The arguments that a command takes besides options.
  package enum Operands: Hashable, Sendable {
    case none
    /// At most one.
    case optional(name: String)
    /// Exactly one.
    case one(name: String)
    /// One or two.
    case oneOrTwo(first: String, second: String)
    /// Any number. Options may stand between them.
    case any(name: String)
    /// Another command with its arguments. Everything after its first word belongs to it, options included.
    case rest(name: String)
    /// The same, or nothing.
    case optionalRest(name: String)
    /// One, which options may follow, and then optionally another command with its arguments.
    case oneAndRest(first: String, rest: String)
  }

  package var tool: String
  package var name: String
  package var summary: String
  /// Command lines, as a user would type them.
  package var examples: [String]
  package var notes: String
  package var operands: Operands
  /// The values that the first operand may have. It is empty if any text will do.
  package var choices: [String]
  package var groups: [OptionGroup]
  /// The exit statuses of the command, and what each means.
  package var exitStatuses: [Explained]
  /// What to say of an option that the command does not have, given without dashes. nil for nothing.
  package var adviceOnUnknown: @Sendable (_ option: String) -> String?

  package init(
    tool: String, name: String, summary: String, examples: [String], notes: String = "", operands: Operands = .none,
    choices: [String] = [], groups: [OptionGroup], exitStatuses: [Explained] = [],
    adviceOnUnknown: @escaping @Sendable (_ option: String) -> String? = { _ in nil }
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
    self.adviceOnUnknown = adviceOnUnknown
  }

  /// What a user types to call the command: the tool and the command's name, or only the tool if that name is empty.
  package var invocation: String { name.isEmpty ? tool : "\(tool) \(name)" }

  package var optionNames: [String] { options.map(\.name) }

  /// The names of the options without values.
  package var flagNames: [String] { options.filter { !$0.takesValue }.map(\.name) }

  /// Other words for the command's options, which are no option of it: the letter of each, and what other tools call it.
  package var synonyms: [String: String] {
    let words = options.flatMap { option in
      (option.otherNames + [option.short.map(String.init)].compactMap(\.self)).map { ($0, option.name) }
    }
    return Dictionary(words) { first, _ in first }
  }

  package var options: [OptionDefinition] { groups.flatMap(\.options) }

  /// Whether another command may follow `--`.
  var takesCommand: Bool {
    switch operands {
    case .rest, .optionalRest, .oneAndRest: true
    default: false
    }
  }
}

/// Options under a title of the help.
package struct OptionGroup: Sendable {
  package let title: String
  let options: [OptionDefinition]

  package init(_ title: String, _ options: [any CommandOption]) {
    self.init(title, definitions: options.map(\.definition))
  }

  init(_ title: String, definitions: [OptionDefinition]) {
    self.title = title
    options = definitions
  }
}
