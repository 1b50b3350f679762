/// What can be known of a word that is still to be typed.
enum Offer: Hashable, Sendable {
  /// Any text, such as a name, a number or a duration.
  case text
  case files
  case directories
  case words([String])
  /// One of these words, or none.
  case optionalWords([String])
  /// The name of another command, whose arguments are all that follows.
  case command
}

/// An option, as far as it matters to completion.
struct CompletedOption: Sendable {
  /// `--name`, and `-n` where it has a letter.
  let spellings: [String]
  let help: String
  /// What follows it; nil for one without a value.
  let value: Offer?
  /// Whether operands are paths where it is given.
  let makesPaths: Bool
}

/// A command as far as it matters to completion.
struct CompletedCommand: Sendable {
  /// What a program of its own is called; nil for a command of the tool.
  let program: String?
  /// The program's name, or the command's.
  let name: String
  let summary: String
  let options: [CompletedOption]
  /// What is known of the first operands; nothing of more.
  let operands: [Offer]

  init(program: String?, name: String, summary: String, options: [CompletedOption], operands: [Offer]) {
    self.program = program
    self.name = name
    self.summary = summary
    self.options = options
    self.operands = operands
  }

  init(_ command: Command, words: [String]) {
    let choices = command.choices + words
    let first: Offer = choices.isEmpty ? .text : .words(choices)
    let operands: [Offer] =
      switch command.operands {
      case .none: []
      case .one(name: "DIR"): [.directories]
      case .optional, .one, .oneOrTwo, .any: choices.isEmpty ? [] : [first]
      case .rest: [.command]
      case .oneAndRest: [first, .command]
      }
    let help = ["help", "help-all"].map { Flag($0, "print help, and nothing else").definition }
    self.init(
      program: nil, name: command.name, summary: command.summary,
      options: (command.options + help).map(CompletedOption.init),
      operands: operands)
  }

  init(_ program: PoptCommand) {
    // A letter is the first option's that has it.
    let options = program.allOptions.enumerated().map { index, option in
      CompletedOption(option, hasLetter: !program.allOptions.prefix(index).contains { $0.short == option.short })
    }
    self.init(
      program: program.program, name: program.program, summary: program.summary, options: options,
      operands: program.operands == .command ? [.command] : [])
  }

  /// The number of operands before another command; nil where none may follow.
  var rest: Int? { operands.firstIndex(of: .command) }

  /// The options whose operands are paths.
  var pathOptions: [CompletedOption] { options.filter(\.makesPaths) }
}

extension CompletedOption {
  init(_ option: OptionDefinition) {
    spellings = ["--\(option.name)"] + (option.short.map { ["-\($0)"] } ?? [])
    help = option.help
    makesPaths = option.makesPaths
    value = option.value.map { value in
      switch value {
      case "PATH": .files
      case "DIR": .directories
      case _ where option.impliedValue != nil: .optionalWords(option.values.map(String.init))
      case _ where option.isChoice: .words(option.values.map(String.init))
      default: .text
      }
    }
  }

  init(_ option: PoptDefinition, hasLetter: Bool) {
    let letter = hasLetter ? option.short : nil
    spellings = ["--\(option.name)"] + (letter.map { ["-\($0)"] } ?? [])
    help = option.help
    makesPaths = false
    value = option.valueName.map { $0 == "file" || $0.hasSuffix(".pem") ? .files : .text }
  }
}

extension OptionDefinition {
  /// Whether its help lists all values that there are: what stands for any other value is in capitals.
  fileprivate var isChoice: Bool {
    let text = value ?? ""
    return !text.isEmpty && text.allSatisfy { $0.isLowercase || $0 == "|" || $0 == "-" }
  }
}
